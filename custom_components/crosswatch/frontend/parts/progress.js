/** How far the present run is. */
import { html } from "../lit.js";

export const progress = (card, pair) => {
  if (!pair.running) return "";
  const told = pair.progress;
  const value = told ? told.percent : null;
  return html`
    <div class="progress">
      <div class="spread">
        <span class="grow">${phase(card, told)}</span>
        <span class="secondary">${value === null ? "" : card.format.percent(value)}</span>
      </div>
      <div
        class="bar"
        role="progressbar"
        aria-label=${card.t("progress.label")}
        aria-valuemin="0"
        aria-valuemax="100"
        aria-valuenow=${value ?? ""}
        aria-valuetext=${[phase(card, told), ...figures(card, told)].join(", ")}
      >
        <div class="fill ${value === null ? "unknown" : ""}" style="width: ${value ?? 100}%"></div>
      </div>
      <div class="spread">
        <span class="grow secondary">${figures(card, told).join(" · ")}</span>
        ${card.shows("buttons") && card.can("cancel_sync")
          ? html`<button class="plain small stop" @click=${() => card.cancel(pair)}>
              <ha-icon .icon=${"mdi:stop"}></ha-icon>${card.t("buttons.stop")}
            </button>`
          : ""}
      </div>
    </div>
  `;
};

/** What a screen reader says of a run: a step in words, and every tenth percent. */
export const spoken = (card, pair) => {
  const told = pair.progress;
  if (!pair.running || !told) return pair.status_text;
  const tenth = Math.floor(told.percent / 10) * 10;
  return `${phase(card, told)}, ${card.format.percent(tenth)}`;
};

const phase = (card, told) => {
  if (!told) return card.t("progress.starting");
  const text = `${told.feature_text}: ${told.phase_text}`;
  return told.dry_run ? card.t("progress.preview", { text }) : text;
};

const figures = (card, told) => {
  if (!told || !told.total) return [];
  const { format } = card;
  const found = [card.t("progress.done", { done: format.number(told.done), total: format.number(told.total) })];
  if (told.rate) found.push(card.t("progress.rate", { rate: format.number(told.rate) }));
  if (told.seconds_left !== null) {
    found.push(card.t("progress.left", { time: format.duration(told.seconds_left) }));
  }
  return found;
};
