/** Which pair it is, how it stands, since when, and when it runs next. */
import { html } from "../lit.js";
import { providerIcon, statusIcon, statusTone } from "./icons.js";

export const header = (card, pair) => html`
  <div class="header">
    <div class="badge ${statusTone(pair.status)}">
      <ha-icon class=${pair.running ? "spin" : ""} .icon=${statusIcon(pair.status)}></ha-icon>
    </div>
    <div class="grow">
      ${card.config.title ? html`<h2 class="title">${card.config.title}</h2>` : ""}
      ${accounts(card, pair)}
      <div class="secondary">${[pair.status_text, ...when(card, pair)].join(" · ")}</div>
    </div>
  </div>
`;

const accounts = (card, pair) => {
  const { source, target } = pair.accounts;
  const twoWay = pair.direction === "two_way";
  const [from, to] = [source, target].map((one) => one.title || card.t("header.no_account"));
  const line = html`
    <span class="sr">${card.t(twoWay ? "header.both_ways" : "header.one_way", { from, to })}</span>
    <span class="accounts" aria-hidden="true">
      ${account(source, from)}
      <ha-icon class="arrow" .icon=${twoWay ? "mdi:swap-horizontal" : "mdi:arrow-right"}></ha-icon>
      ${account(target, to)}
    </span>
  `;
  return card.config.title ? html`<div class="subtitle">${line}</div>` : html`<h2 class="title">${line}</h2>`;
};

const account = ({ provider }, title) => html`
  <span class="account"><ha-icon .icon=${providerIcon(provider)}></ha-icon><span>${title}</span></span>
`;

const when = (card, pair) => {
  if (pair.running) return [];
  const told = [];
  if (pair.last_run !== null) told.push(card.ago(pair.last_run));
  const gone = ["source", "target"].some((side) => ["missing", "disabled"].includes(pair.accounts[side].state));
  if (gone) return told;
  if (pair.next_run !== null) told.push(card.t("header.next_run", { when: card.ago(pair.next_run) }));
  else if (pair.interval !== null && !pair.automatic) told.push(card.t("header.schedule_off"));
  return told;
};
