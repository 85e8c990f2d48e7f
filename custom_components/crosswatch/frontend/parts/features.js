/** What is kept in step, with the counts of its last run. */
import { html } from "../lit.js";
import { featureIcon, statusIcon, statusTone } from "./icons.js";

const COUNTERS = ["added", "updated", "removed", "held", "errors", "unconfirmed", "unresolved"];

export const features = (card, pair) =>
  card.shows("features")
    ? html`
        <ul class="rows" aria-label=${card.t("features.label")}>
          ${pair.features.map((feature) => row(card, feature))}
        </ul>
      `
    : "";

const row = (card, feature) => {
  // why a plan waits is told where it can be approved
  const shown = feature.error_text && feature.status !== "held";
  return html`
    <li class="row">
      <ha-icon class="lead" .icon=${featureIcon(feature.feature)}></ha-icon>
      <div class="grow">
        <div>${feature.feature_text}</div>
        <div class="secondary">${counts(card, feature)}</div>
        ${shown ? html`<div class="trouble">${feature.error_text}</div>` : ""}
      </div>
      ${feature.status === null
        ? ""
        : html`
            <ha-icon
              class="state ${statusTone(feature.status)}"
              .icon=${statusIcon(feature.status)}
              role="img"
              aria-label=${feature.status_text}
              title=${feature.status_text}
            ></ha-icon>
          `}
    </li>
  `;
};

const counts = (card, feature) => {
  if (feature.status === null) return card.t("features.never");
  const found = COUNTERS.filter((counter) => feature[counter]);
  if (!found.length) return card.t(feature.status === "ok" ? "features.nothing_new" : "features.nothing_done");
  return found.map((counter) => card.count(`features.${counter}`, feature[counter])).join(" · ");
};
