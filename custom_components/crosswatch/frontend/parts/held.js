/** Plans that wait for a person: why, what they would do, and the two ways on. */
import { html } from "../lit.js";
import { changeList, countsText, sizeOf } from "./changes.js";
import { featureIcon } from "./icons.js";

const AT_FIRST = 5;

export const held = (card, pair) => pair.held.map((plan) => box(card, pair, plan));

const box = (card, pair, plan) => {
  const id = `held.${plan.feature}`;
  const total = sizeOf(plan.counts);
  const open = card.isOpen(id);
  const shown = open ? plan.changes : plan.changes.slice(0, AT_FIRST);
  return html`
    <section class="notice warning held" aria-label=${card.t("held.title", { feature: plan.feature_text })}>
      <ha-icon .icon=${featureIcon(plan.feature)}></ha-icon>
      <div class="grow">
        <h3>${card.t("held.title", { feature: plan.feature_text })}</h3>
        <div>${plan.reason_text}</div>
        <div class="strong">${countsText(card, plan.counts)}</div>
        ${changeList(card, pair, shown, open ? total : shown.length)}
        ${total > AT_FIRST
          ? html`<button class="link" aria-expanded=${String(open)} @click=${() => card.toggle(id)}>
              ${open ? card.t("held.fewer") : card.count("held.all", total)}
            </button>`
          : ""}
        <div class="actions">
          <button
            class="filled"
            ?disabled=${pair.running || !card.can("approve_plan")}
            @click=${() => card.ask({ kind: "approve", plan })}
          >
            ${card.t("held.approve")}
          </button>
          <button
            class="plain"
            ?disabled=${pair.running || !card.can("reject_plan")}
            @click=${() => card.ask({ kind: "reject", plan })}
          >
            ${card.t("held.reject")}
          </button>
        </div>
      </div>
    </section>
  `;
};
