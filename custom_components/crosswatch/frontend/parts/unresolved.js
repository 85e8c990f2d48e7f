/** Items that can't be synced, by reason, and what can be done about each. */
import { html } from "../lit.js";

const AT_FIRST = 10;
const IGNORE = ["mdi:eye-off-outline", "ignore"];
const UNIGNORE = ["mdi:eye-outline", "unignore"];

export const unresolved = (card, pair) => {
  const { total, ignored, reasons } = pair.unresolved;
  if (!card.shows("unresolved") || !(total || ignored)) return "";
  const id = "unresolved";
  return html`
    <details class="section" ?open=${card.isOpen(id)} @toggle=${(event) => card.onToggle(event, id)}>
      <summary>
        <ha-icon class="lead" .icon=${"mdi:help-circle-outline"}></ha-icon>
        <span class="grow">
          ${total ? card.count("unresolved.title", total) : card.t("unresolved.none_left")}
          ${ignored ? html`<div class="secondary">${card.count("unresolved.ignored", ignored)}</div>` : ""}
        </span>
        <ha-icon class="chevron" .icon=${"mdi:chevron-down"}></ha-icon>
      </summary>
      ${card.isOpen(id)
        ? html`
            ${reasons.map((reason) => group(card, pair, reason))}
            ${total && card.can("retry_unresolved")
              ? html`<button
                  class="plain"
                  aria-disabled=${String(card.busy("retry"))}
                  @click=${() => card.retry(pair)}
                >
                  ${card.t("unresolved.retry_all")}
                </button>`
              : ""}
          `
        : ""}
    </details>
  `;
};

const group = (card, pair, reason) => {
  const id = `unresolved.${reason.reason}`;
  const open = card.isOpen(id);
  const items = open ? reason.items : reason.items.slice(0, AT_FIRST);
  const left = reason.count - items.length;
  return html`
    <div class="group">
      <h3><span class="count">${card.format.number(reason.count)}</span> ${reason.reason_text}</h3>
      <ul class="rows dense">
        ${items.map((item) => row(card, pair, reason, item))}
      </ul>
      ${!open && reason.items.length > AT_FIRST
        ? html`<button class="link" @click=${() => card.toggle(id)}>
            ${card.count("unresolved.show_all", reason.items.length)}
          </button>`
        : left > 0
          ? html`<div class="secondary more">${card.count("changes.more", left)}</div>`
          : ""}
    </div>
  `;
};

const row = (card, pair, reason, item) => {
  const id = `${item.feature}.${item.side}.${item.key}`;
  return html`
    <li class="row">
      <div class="grow">
        <div class="name">${item.name}</div>
        <div class="secondary">${details(card, pair, item).join(" · ")}</div>
      </div>
      <div class="tools">
        ${reason.can_map && card.can("map_item")
          ? button(card, id, "mdi:tag-plus-outline", "map", item, () => card.ask({ kind: "map", item }))
          : ""}
        ${card.can("retry_unresolved")
          ? button(card, id, "mdi:refresh", "retry", item, () => card.retry(pair, item, id))
          : ""}
        ${card.can("ignore_item")
          ? button(card, id, ...(item.ignored ? UNIGNORE : IGNORE), item, () => card.ignore(pair, item, id))
          : ""}
      </div>
    </li>
  `;
};

const details = (card, pair, item) => {
  const feature = pair.features.find((one) => one.feature === item.feature);
  const told = [feature ? feature.feature_text : item.feature];
  if (item.ignored) told.push(card.t("unresolved.is_ignored"));
  else if (item.retry_at !== null) told.push(card.t("unresolved.retry_at", { when: card.ago(item.retry_at) }));
  return told;
};

const button = (card, id, icon, action, item, onClick) => html`
  <button
    class="icon"
    aria-label=${card.t(`unresolved.${action}`, { name: item.name })}
    title=${card.t(`unresolved.${action}_short`)}
    aria-disabled=${String(card.busy(id))}
    @click=${onClick}
  >
    <ha-icon .icon=${icon}></ha-icon>
  </button>
`;
