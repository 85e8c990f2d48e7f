/** Lists of planned changes, in held plans and previews. */
import { html } from "../lit.js";
import { actionIcon } from "./icons.js";

const ACTIONS = ["add", "update", "remove"];

/** How many changes there are. */
export const sizeOf = (counts) => ACTIONS.reduce((sum, action) => sum + counts[action], 0);

/** Such as "3 to add · 12 to remove". Counts of nothing are left out. */
export const countsText = (card, counts) =>
  ACTIONS.filter((action) => counts[action])
    .map((action) => card.count(`changes.${action}`, counts[action]))
    .join(" · ");

/** Titles, each with what happens to it and where; `total` may be more than the list has. */
export const changeList = (card, pair, changes, total) => html`
  <ul class="changes">
    ${changes.map(
      (change) => html`
        <li>
          <ha-icon class=${change.action} .icon=${actionIcon(change.action)}></ha-icon>
          <span class="grow">
            <span class="sr">${change.action_text}:</span>
            <span class="name">${change.name}</span>
            <span class="secondary">${where(card, pair, change)}</span>
          </span>
        </li>
      `,
    )}
  </ul>
  ${total > changes.length
    ? html`<div class="secondary more">${card.count("changes.more", total - changes.length)}</div>`
    : ""}
`;

const where = (card, pair, change) => {
  // one way, everything happens at the target
  const account = pair.direction === "two_way" && pair.accounts[change.side];
  const feature = pair.features.find((one) => one.feature === change.feature);
  return [feature && feature.feature_text, account && account.title].filter(Boolean).join(" · ");
};
