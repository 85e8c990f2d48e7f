/** The last runs as a small chart, and the same as a list. */
import { html } from "../lit.js";
import { statusIcon, statusTone } from "./icons.js";
import { undoButton } from "./undo.js";

const COUNTERS = ["added", "updated", "removed", "held", "errors", "unresolved"];
/** Percent of the height that a run without changes has. */
const LEAST = 4;

export const runs = (card, pair) => {
  if (!card.shows("runs") || !pair.runs.length) return "";
  const most = Math.max(...pair.runs.map(changesOf));
  const id = "runs";
  return html`
    <section class="runs" aria-label=${card.t("runs.title")}>
      <div class="spread">
        <h3>${card.t("runs.title")}</h3>
        <span class="secondary">${most && pair.runs.length > 1 ? card.count("runs.most", most) : ""}</span>
      </div>
      ${pair.runs.length > 1
        ? html`<div class="chart" role="img" aria-label=${summary(card, pair.runs, most)}>
            ${[...pair.runs].reverse().map((run) => column(card, run, most))}
          </div>`
        : ""}
      <details class="section" ?open=${card.isOpen(id)} @toggle=${(event) => card.onToggle(event, id)}>
        <summary>
          <span class="grow secondary">${card.t("runs.list")}</span>
          <ha-icon class="chevron" .icon=${"mdi:chevron-down"}></ha-icon>
        </summary>
        ${card.isOpen(id)
          ? html`<ul class="rows dense">
              ${pair.runs.map((run) => row(card, pair, run))}
            </ul>`
          : ""}
      </details>
    </section>
  `;
};

const changesOf = (run) => run.added + run.updated + run.removed;

const column = (card, run, most) => html`
  <div class="column" title=${line(card, run)}>
    <div class="stack"><div class="value" style="height: ${height(run, most)}%"></div></div>
    <div class="dot ${statusTone(run.status)}"></div>
  </div>
`;

// a first run is a thousand times the size of the others, which are to be seen all the same
const height = (run, most) => Math.max(LEAST, (100 * Math.log1p(changesOf(run))) / Math.log1p(most || 1));

const row = (card, pair, run) => html`
  <li class="row">
    <ha-icon class="state ${statusTone(run.status)}" .icon=${statusIcon(run.status)}></ha-icon>
    <div class="grow">
      <div>
        ${card.format.moment(run.started_at)}
        <span class="secondary">· ${card.format.duration(run.duration)}</span>
      </div>
      <div class="secondary">${told(card, pair, run).join(" · ")}</div>
    </div>
    ${undoButton(card, pair, run)}
  </li>
`;

const told = (card, pair, run) =>
  [undoes(card, pair, run), run.status_text, ...counts(card, run), run.undo_text].filter(Boolean);

/** Which run this one has taken back, if any. */
const undoes = (card, pair, run) => {
  if (run.undo === null) return "";
  const other = pair.runs.find((one) => one.run_id === run.undo);
  return other ? card.t("runs.undo_of", { when: card.format.moment(other.started_at) }) : card.t("runs.undo");
};

const counts = (card, run) =>
  COUNTERS.filter((counter) => run[counter]).map((counter) => card.count(`features.${counter}`, run[counter]));

const line = (card, run) => [card.format.moment(run.started_at), run.status_text, ...counts(card, run)].join(" · ");

const summary = (card, all, most) => {
  const outcomes = new Map();
  for (const run of all) outcomes.set(run.status_text, (outcomes.get(run.status_text) || 0) + 1);
  const told = [...outcomes].map(([text, count]) => `${text}: ${card.format.number(count)}`);
  return [card.count("runs.summary", all.length), ...told, card.count("runs.most", most)].join(", ");
};
