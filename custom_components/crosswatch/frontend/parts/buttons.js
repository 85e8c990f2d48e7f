/** Run it, look first, stop it; and what a look has found. */
import { html } from "../lit.js";
import { countsText } from "./changes.js";

export const buttons = (card, pair) => {
  if (!card.shows("buttons")) return "";
  const ready = ["source", "target"].every((side) => pair.accounts[side].state === "ready");
  return html`
    <div class="actions">
      ${pair.running
        ? html`<button class="plain" ?disabled=${card.busy("cancel") || !card.can("cancel_sync")} @click=${() => card.cancel(pair)}>
            <ha-icon .icon=${"mdi:stop"}></ha-icon>${card.t("buttons.stop")}
          </button>`
        : html`
            <button class="filled" ?disabled=${!ready || card.busy("run")} @click=${() => card.run(pair)}>
              <ha-icon .icon=${"mdi:sync"}></ha-icon>${card.t("buttons.sync")}
            </button>
            <button class="plain" ?disabled=${!ready || card.busy("run")} @click=${() => card.preview(pair)}>
              <ha-icon .icon=${"mdi:eye-outline"}></ha-icon>${card.t("buttons.preview")}
            </button>
          `}
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
