/** Questions and details in a window of their own: the browser's, which keeps the focus inside. */
import { html } from "../lit.js";
import { previewText } from "./buttons.js";
import { changeList, countsText, sizeOf } from "./changes.js";

/** The open dialog, if any. `card.dialog` says what it is about. */
export const dialog = (card, pair) => {
  const asked = card.dialog;
  if (!asked || !pair) return "";
  const { title, body, actions } = KINDS[asked.kind](card, pair, asked);
  return html`
    <dialog aria-labelledby="dialog-title" @close=${() => card.closeDialog()} @click=${onBackdrop}>
      <form method="dialog" class="window">
        <h2 id="dialog-title">${title}</h2>
        <div class="body">${body}</div>
        <div class="actions">${actions}</div>
      </form>
    </dialog>
  `;
};

const onBackdrop = (event) => {
  if (event.target === event.currentTarget) event.currentTarget.close();
};

const cancel = (text) => html`<button class="plain" value="cancel">${text}</button>`;

const decision = (kind) => (card, pair, { plan }) => {
  const values = { feature: plan.feature_text, n: sizeOf(plan.counts) };
  return {
    title: card.t(`${kind}.title`, values),
    body: html`
      <p>${plan.reason_text}</p>
      <p class="strong">${countsText(card, plan.counts)}</p>
      <p>${card.t(`${kind}.effect`, values)}</p>
      ${changeList(card, pair, plan.changes, sizeOf(plan.counts))}
    `,
    actions: html`
      ${cancel(card.t("dialog.cancel"))}
      <button type="button" class="filled ${kind === "approve" ? "danger" : ""}" @click=${() => card.decide(kind, pair, plan)}>
        ${card.t(`${kind}.confirm`)}
      </button>
    `,
  };
};

const preview = (card, pair) => {
  const found = pair.preview;
  if (!found) return { title: card.t("preview.title"), body: card.t("preview.gone"), actions: cancel(card.t("dialog.close")) };
  const total = sizeOf(found.counts);
  return {
    title: card.t("preview.title"),
    body: html`
      <p class="strong">${previewText(card, found)}</p>
      <p class="secondary">${card.t("preview.nothing_written")}</p>
      ${changeList(card, pair, found.changes, total)}
      ${found.unresolved ? html`<p class="secondary">${card.count("unresolved.title", found.unresolved)}</p>` : ""}
    `,
    actions: html`
      ${cancel(card.t("dialog.close"))}
      ${total && !pair.running
        ? html`<button type="button" class="filled" @click=${() => card.runFromPreview(pair)}>${card.t("buttons.sync")}</button>`
        : ""}
    `,
  };
};

const map = (card, pair, { item }) => ({
  title: card.t("map.title"),
  body: html`
    <p class="strong">${item.name}</p>
    <p>${card.t("map.help")}</p>
    <label>
      ${card.t("map.label")}
      <input id="tmdb" inputmode="numeric" pattern="[1-9][0-9]*" maxlength="10" autocomplete="off" required />
    </label>
  `,
  actions: html`
    ${cancel(card.t("dialog.cancel"))}
    <button type="button" class="filled" @click=${(event) => card.map(event, pair, item)}>${card.t("map.confirm")}</button>
  `,
});

const KINDS = { approve: decision("approve"), reject: decision("reject"), preview, map };
