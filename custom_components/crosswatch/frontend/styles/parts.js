/** How the parts of the card look. */
import { css } from "../lit.js";

export const parts = css`
  .header {
    display: flex;
    align-items: center;
    gap: 12px;
  }
  .badge {
    display: grid;
    place-items: center;
    flex: none;
    width: 40px;
    height: 40px;
    border-radius: 50%;
    color: var(--tone);
    background: var(--tone-fill);
  }
  .title {
    font-size: var(--ha-font-size-l, 16px);
    line-height: 1.4;
  }
  .accounts {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    column-gap: 6px;
    --mdc-icon-size: 18px;
  }
  .account {
    display: inline-flex;
    align-items: center;
    gap: 4px;
    min-width: 0;
  }
  .account ha-icon,
  .arrow {
    color: var(--secondary-text-color);
  }
  .progress {
    display: flex;
    flex-direction: column;
    gap: 4px;
  }
  .bar {
    height: 8px;
    border-radius: 4px;
    overflow: hidden;
    background: var(--ha-color-fill-neutral-normal-resting, var(--divider-color));
  }
  .fill {
    height: 100%;
    border-radius: inherit;
    background: var(--primary-color);
    transition: width 0.6s linear;
  }
  .notice {
    display: flex;
    gap: 12px;
    padding: 12px;
    border-radius: var(--radius);
    background: var(--tone-fill);
    line-height: 1.45;
  }
  .notice > ha-icon {
    color: var(--tone);
  }
  .held .grow {
    display: flex;
    flex-direction: column;
    align-items: flex-start;
    gap: 6px;
  }
  .changes {
    align-self: stretch;
    --mdc-icon-size: 18px;
  }
  .changes li {
    display: flex;
    gap: 8px;
    padding: 3px 0;
  }
  .changes .name {
    margin-inline-end: 6px;
  }
  .changes .remove {
    color: var(--ha-color-on-danger-normal, var(--error-color));
  }
  .changes .add {
    color: var(--ha-color-on-success-normal, var(--success-color));
  }
  .changes .update {
    color: var(--secondary-text-color);
  }
  .rows {
    display: flex;
    flex-direction: column;
    gap: 12px;
  }
  .rows.dense {
    gap: 4px;
    padding-block: 4px;
  }
  .row {
    display: flex;
    align-items: center;
    gap: 12px;
  }
  .rows.dense .row {
    flex-wrap: wrap;
    column-gap: 12px;
    row-gap: 0;
  }
  .rows.dense .grow {
    flex-basis: 170px;
  }
  .runs .rows.dense .grow {
    flex-basis: 120px;
  }
  .tools {
    display: flex;
    margin-inline-start: auto;
  }
  .lead {
    width: 40px;
    text-align: center;
    color: var(--state-icon-color, var(--secondary-text-color));
  }
  .state {
    color: var(--tone);
    --mdc-icon-size: 20px;
  }
  .trouble {
    color: var(--ha-color-on-danger-normal, var(--error-color));
    font-size: var(--ha-font-size-s, 12px);
  }
  .group {
    padding-top: 12px;
  }
  .group h3 {
    font-size: var(--ha-font-size-s, 12px);
    color: var(--secondary-text-color);
    line-height: 1.4;
  }
  .count {
    display: inline-block;
    min-width: 18px;
    padding-inline: 4px;
    border-radius: 9px;
    text-align: center;
    color: var(--primary-text-color);
    background: var(--ha-color-fill-neutral-normal-resting, var(--divider-color));
  }
  .more {
    padding-block: 4px;
  }
`;

export const chart = css`
  .runs {
    display: flex;
    flex-direction: column;
    gap: 8px;
  }
  .chart {
    display: flex;
    gap: 3px;
    height: 64px;
  }
  .column {
    display: flex;
    flex: 1;
    flex-direction: column;
    align-items: center;
    gap: 4px;
    min-width: 0;
    max-width: 24px;
  }
  .stack {
    display: flex;
    flex: 1;
    align-items: flex-end;
    width: 100%;
    min-height: 0;
  }
  .value {
    width: 100%;
    min-height: 2px;
    border-radius: 3px 3px 0 0;
    background: var(--primary-color);
    opacity: 0.75;
  }
  .dot {
    width: 6px;
    height: 6px;
    border-radius: 50%;
    background: var(--tone);
  }
  .dot.danger {
    border-radius: 0;
  }
`;
