/** Taking a run back: the button beside it, what would be done, and how it went. */
import { html } from "../lit.js";
import { previewText } from "./buttons.js";
import { changeList, sizeOf } from "./changes.js";

const DONE = ["ok", "unresolved"];
const COUNTERS = ["added", "updated", "removed", "errors"];

/** The button of a run in the list. */
export const undoButton = (card, pair, run) => {
  if (run.undo_state !== "possible" || !card.can("undo_run")) return "";
  const ready = ["source", "target"].every((side) => pair.accounts[side].state === "ready");
  const waits = !ready || pair.running || card.busy("undo");
  return html`
    <button
      class="icon"
      aria-label=${card.t("undo.button", { when: card.format.moment(run.started_at) })}
      title=${card.t("undo.button_short")}
      aria-disabled=${String(waits)}
      @click=${() => (waits ? undefined : card.lookBack(pair, run))}
    >
      <ha-icon .icon=${"mdi:undo"}></ha-icon>
    </button>
  `;
};

/** Asks whether the run is to be taken back, and shows what that would do. */
export const undo = (card, pair, { run }) => {
  const found = pair.undo_preview;
  const when = card.format.moment(run.started_at);
  const frame = { title: card.t("undo.title", { when }), cancel: card.t("dialog.cancel") };
  if (!found || found.run_id !== run.run_id) return { ...frame, body: card.t("preview.gone") };
  const total = sizeOf(found.counts);
  const nothing = !total && DONE.includes(found.status);
  return {
    ...frame,
    ...(total ? {} : { cancel: card.t("dialog.close") }),
    body: html`
      <p class="strong">${nothing ? card.t("undo.nothing") : previewText(card, found)}</p>
      ${total ? html`<p>${card.t("undo.effect")}</p>` : ""} ${changeList(card, pair, found.changes, total)}
      ${reasons(card, card.count("undo.refused", found.refused_total), found.refused, found.refused_total)}
      ${reasons(card, card.count("undo.left", found.left_total), found.left, found.left_total)}
    `,
    confirm: total && !pair.running ? card.t("undo.confirm") : "",
    onConfirm: () => card.takeBack(pair, run),
    tone: found.counts.remove ? "danger" : "",
  };
};

/** Tells how it went. */
export const undone = (card, pair, { run, result }) => {
  const when = card.format.moment(run.started_at);
  const complete = DONE.includes(result.status) && !result.errors;
  const counts = COUNTERS.filter((counter) => result[counter]);
  const told = pair.runs.find((one) => one.run_id === result.run_id);
  return {
    title: card.t(complete ? "undo.done" : "undo.not_done", { when }),
    body: html`
      <p class="strong">
        ${counts.length
          ? counts.map((counter) => card.count(`features.${counter}`, result[counter])).join(" · ")
          : card.t("features.nothing_done")}
      </p>
      ${complete || !told ? "" : html`<p>${told.status_text}</p>`}
      ${result.unresolved ? html`<p>${card.count("undo.refused", result.unresolved)}</p>` : ""}
    `,
    cancel: card.t("dialog.close"),
  };
};

/** Items, each with the reason why nothing is done about it; `total` may be more than the list has. */
const reasons = (card, title, rows, total) =>
  total
    ? html`
        <section class="group">
          <h3>${title}</h3>
          <ul class="changes">
            ${rows.map(
              (row) => html`
                <li>
                  <span class="grow">
                    <span class="name">${row.name}</span>
                    <span class="secondary">${row.feature_text} · ${row.why_text}</span>
                  </span>
                </li>
              `,
            )}
          </ul>
          ${total > rows.length
            ? html`<div class="secondary more">${card.count("changes.more", total - rows.length)}</div>`
            : ""}
        </section>
      `
    : "";
