/** Run it, or look first; and what a look has found. */
import { html } from "../lit.js";
import { countsText } from "./changes.js";

export const buttons = (card, pair) => {
  if (!card.shows("buttons")) return "";
  const ready = ["source", "target"].every((side) => pair.accounts[side].state === "ready");
  // while it runs they keep the focus, so they are not disabled in the browser's way
  const waits = pair.running || card.busy("run");
  const main = (look, icon, text, onClick) => html`
    <button
      class=${look}
      ?disabled=${!ready}
      aria-disabled=${String(!ready || waits)}
      @click=${() => (waits ? undefined : onClick())}
    >
      <ha-icon .icon=${icon}></ha-icon>${text}
    </button>
  `;
  return html`
    <div class="actions">
      ${main("filled sync", "mdi:sync", card.t("buttons.sync"), () => card.run(pair))}
      ${main("plain", "mdi:eye-outline", card.t("buttons.preview"), () => card.look(pair))}
    </div>
  `;
};

/** A line about the last preview, as long as it holds. */
export const previewLine = (card, pair) => {
  const found = pair.preview;
  if (!found || pair.running) return "";
  return html`
    <div class="row">
      <ha-icon class="lead" .icon=${"mdi:eye-outline"}></ha-icon>
      <div class="grow">
        <div>${card.t("preview.line", { when: card.ago(found.at) })}</div>
        <div class="secondary">${previewText(card, found)}</div>
      </div>
      <button class="link" @click=${() => card.ask({ kind: "preview" })}>${card.t("preview.show")}</button>
    </div>
  `;
};

/** What a preview found, in a line. */
export const previewText = (card, found) => {
  const told = countsText(card, found.counts);
  if (told) return told;
  return ["ok", "unresolved"].includes(found.status) ? card.t("preview.nothing") : found.status_text;
};
