/** Questions and details in a window of their own: the browser's, which keeps the focus inside. */
import { html } from "../lit.js";
import { previewText } from "./buttons.js";
import { changeList, countsText, sizeOf } from "./changes.js";
import { undo, undone } from "./undo.js";

/** The open dialog, if any. `card.dialog` says what it is about. */
export const dialog = (card, pair) => {
  const asked = card.dialog;
  if (!asked || !pair) return "";
  const { title, body, cancel, confirm, onConfirm, tone = "" } = KINDS[asked.kind](card, pair, asked);
  const onSubmit = (event) => {
    event.preventDefault();
    onConfirm(event.target);
  };
  return html`
    <dialog aria-labelledby="dialog-title" @close=${() => card.closeDialog()} @click=${onBackdrop}>
      <form class="window" @submit=${onSubmit}>
        <h2 id="dialog-title">${title}</h2>
        <div class="body">${body}</div>
        <div class="actions">
          <button type="button" class="plain" @click=${() => card.closeDialog()}>${cancel}</button>
          ${confirm ? html`<button class="filled ${tone}">${confirm}</button>` : ""}
        </div>
      </form>
    </dialog>
  `;
};

const onBackdrop = (event) => {
  if (event.target === event.currentTarget) event.currentTarget.close();
};

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
    cancel: card.t("dialog.cancel"),
    confirm: card.t(`${kind}.confirm`),
    onConfirm: () => card.decide(kind, pair, plan),
    tone: plan.counts.remove && kind === "approve" ? "danger" : "",
  };
};

const preview = (card, pair) => {
  const found = pair.preview;
  const frame = { title: card.t("preview.title"), cancel: card.t("dialog.close") };
  if (!found) return { ...frame, body: card.t("preview.gone") };
  const total = sizeOf(found.counts);
  return {
    ...frame,
    body: html`
      <p class="strong">${previewText(card, found)}</p>
      <p class="secondary">${card.t("preview.nothing_written")}</p>
      ${changeList(card, pair, found.changes, total)}
      ${found.unresolved ? html`<p class="secondary">${card.count("unresolved.title", found.unresolved)}</p>` : ""}
    `,
    confirm: total && !pair.running ? card.t("buttons.sync") : "",
    onConfirm: () => card.runFromPreview(pair),
  };
};

const map = (card, pair, { item }) => ({
  title: card.t("map.title"),
  body: html`
    <p class="strong">${item.name}</p>
    <p>${card.t("map.help")}</p>
    <label>
      ${card.t(["season", "episode"].includes(item.kind) ? "map.label_show" : "map.label")}
      <input
        inputmode="numeric"
        pattern="[1-9][0-9]*"
        maxlength="8"
        title=${card.t("map.invalid")}
        autocomplete="off"
        required
      />
    </label>
  `,
  cancel: card.t("dialog.cancel"),
  confirm: card.t("map.confirm"),
  onConfirm: (form) => card.map(pair, item, Number(form.querySelector("input").value)),
});

const KINDS = { approve: decision("approve"), reject: decision("reject"), preview, map, undo, undone };
