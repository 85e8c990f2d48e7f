/**
 * Entry of the card: the only file that Home Assistant is told of.
 *
 * The card is announced at once, and defined as soon as Home Assistant's frontend has brought Lit along.
 */
const TYPE = "crosswatch-card";

window.customCards = window.customCards || [];
if (!window.customCards.some((card) => card.type === TYPE)) {
  window.customCards.push({
    type: TYPE,
    name: "CrossWatch",
    description: "A sync pair: how it stands, what waits for you, and buttons to run it.",
    preview: true,
    documentationURL: "https://github.com/crosswatch/crosswatch-home-assistant/blob/main/docs/card.md",
    getEntitySuggestion: (hass, entityId) => {
      const entity = hass.entities[entityId];
      const device = entity && entity.platform === "crosswatch" && hass.devices[entity.device_id];
      return device && device.model === "Sync pair"
        ? { config: { type: `custom:${TYPE}`, device_id: device.id } }
        : null;
    },
  });
}

// "hc-main" is Home Assistant on a Cast device
Promise.race(["home-assistant", "hc-main"].map((root) => customElements.whenDefined(root)))
  .then(() => import("./card.js"))
  .then(({ CrossWatchCard }) => {
    if (!customElements.get(TYPE)) customElements.define(TYPE, CrossWatchCard);
  });
