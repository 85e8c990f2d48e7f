/** What can be pressed, and the windows that open. */
import { css } from "../lit.js";

export const controls = css`
  .actions {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
  }
  .held .actions {
    padding-top: 6px;
  }
  button {
    font: inherit;
    color: inherit;
    border: 0;
    background: none;
    cursor: pointer;
  }
  .filled,
  .plain {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 8px;
    min-height: 40px;
    padding: 0 16px;
    border-radius: var(--ha-border-radius-pill, 9999px);
    font-weight: var(--ha-font-weight-medium, 500);
    --mdc-icon-size: 20px;
  }
  .filled {
    color: var(--ha-color-on-primary-loud, var(--text-primary-color));
    background: var(--ha-color-fill-primary-loud-resting, var(--primary-color));
  }
  .filled:hover {
    background: var(--ha-color-fill-primary-loud-hover, var(--primary-color));
  }
  .plain {
    color: var(--ha-color-on-primary-normal, var(--primary-color));
    background: var(--ha-color-fill-primary-normal-resting, var(--secondary-background-color));
  }
  .plain:hover {
    background: var(--ha-color-fill-primary-normal-hover, var(--secondary-background-color));
  }
  .filled.danger {
    color: var(--ha-color-on-danger-loud, var(--text-primary-color));
    background: var(--ha-color-fill-danger-loud-resting, var(--error-color));
  }
  .filled.danger:hover {
    background: var(--ha-color-fill-danger-loud-hover, var(--error-color));
  }
  .small {
    min-height: 32px;
    padding: 0 12px;
    gap: 4px;
    font-size: var(--ha-font-size-s, 12px);
    --mdc-icon-size: 16px;
  }
  button:disabled,
  button[aria-disabled="true"] {
    cursor: default;
    opacity: 0.5;
  }
  .icon {
    display: grid;
    place-items: center;
    flex: none;
    width: 40px;
    height: 40px;
    border-radius: 50%;
    color: var(--secondary-text-color);
    --mdc-icon-size: 20px;
  }
  .icon:hover {
    background: var(--ha-color-fill-neutral-quiet-hover, var(--secondary-background-color));
  }
  .link,
  a {
    padding: 4px 0;
    color: var(--ha-color-on-primary-normal, var(--primary-color));
    text-decoration: underline;
    text-underline-offset: 3px;
  }
  summary {
    display: flex;
    align-items: center;
    gap: 12px;
    min-height: 40px;
    cursor: pointer;
    list-style: none;
    border-radius: var(--radius);
  }
  summary::-webkit-details-marker {
    display: none;
  }
  .chevron {
    color: var(--secondary-text-color);
    transition: transform 0.2s;
  }
  details[open] > summary .chevron {
    transform: rotate(180deg);
  }
  button:focus-visible,
  summary:focus-visible,
  a:focus-visible {
    outline: 2px solid var(--ha-color-focus, var(--primary-color));
    outline-offset: 2px;
  }
`;

export const dialogs = css`
  dialog {
    box-sizing: border-box;
    width: min(560px, calc(100vw - 32px));
    max-height: calc(100dvh - 32px);
    padding: 0;
    border: 0;
    border-radius: var(--ha-border-radius-2xl, 24px);
    overflow: hidden;
    color: var(--primary-text-color);
    background: var(--ha-dialog-surface-background, var(--card-background-color));
    box-shadow: 0 8px 32px rgb(0 0 0 / 30%);
  }
  dialog::backdrop {
    background: rgb(0 0 0 / 45%);
  }
  .window {
    display: flex;
    flex-direction: column;
    gap: 16px;
    box-sizing: border-box;
    max-height: calc(100dvh - 32px);
    padding: 24px;
  }
  .window h2 {
    font-size: var(--ha-font-size-xl, 20px);
    line-height: 1.3;
  }
  .body {
    display: flex;
    flex-direction: column;
    gap: 12px;
    min-height: 0;
    overflow: auto;
    line-height: 1.45;
  }
  .window .actions {
    justify-content: flex-end;
  }
  label {
    display: flex;
    flex-direction: column;
    gap: 6px;
  }
  input {
    font: inherit;
    color: inherit;
    padding: 10px 12px;
    border: 1px solid var(--ha-color-border-neutral-normal, var(--divider-color));
    border-radius: var(--ha-border-radius-md, 8px);
    background: var(--ha-color-form-background, transparent);
  }
  input:focus-visible {
    outline: 2px solid var(--ha-color-focus, var(--primary-color));
    outline-offset: -2px;
  }
`;
