/** The visual editor: a form that Home Assistant shows. */
import { loadTexts } from "./texts.js";

/** Parts of the card that can be left out. What waits for a decision is always shown. */
export const PARTS = ["features", "unresolved", "runs", "buttons"];

/** Whether a device is a sync pair. */
export const isPair = (device) =>
  Boolean(device) && device.model === "Sync pair" && device.identifiers.some(([domain]) => domain === "crosswatch");

/** The form; its language is that of the page. */
export const configForm = async () => {
  const texts = await loadTexts(document.documentElement.lang);
  const options = PARTS.map((value) => ({ value, label: texts.get(`editor.parts.${value}`) }));
  return {
    schema: [
      {
        name: "device_id",
        selector: { device: { filter: [{ integration: "crosswatch", model: "Sync pair" }] } },
      },
      { name: "title", selector: { text: {} } },
      { name: "hide", selector: { select: { multiple: true, mode: "list", options } } },
    ],
    computeLabel: (field) => texts.get(`editor.${field.name}.label`),
    computeHelper: (field) => texts.get(`editor.${field.name}.help`),
  };
};
