/** Colours and sizes are those of the theme; a fallback stands in where a theme has none. */
import { css } from "../lit.js";

export const tones = css`
  .primary {
    --tone: var(--ha-color-on-primary-normal, var(--primary-color));
    --tone-fill: color-mix(in srgb, var(--primary-color) 12%, transparent);
  }
  .success {
    --tone: var(--ha-color-on-success-normal, var(--success-color));
    --tone-fill: color-mix(in srgb, var(--success-color) 12%, transparent);
  }
  .warning {
    --tone: var(--ha-color-on-warning-normal, var(--warning-color));
    --tone-fill: color-mix(in srgb, var(--warning-color) 14%, transparent);
  }
  .danger {
    --tone: var(--ha-color-on-danger-normal, var(--error-color));
    --tone-fill: color-mix(in srgb, var(--error-color) 12%, transparent);
  }
  .neutral {
    --tone: var(--secondary-text-color);
    --tone-fill: color-mix(in srgb, var(--secondary-text-color) 12%, transparent);
  }
`;

export const layout = css`
  :host {
    display: block;
    --gap: var(--ha-space-4, 16px);
    --radius: var(--ha-border-radius-lg, 12px);
    --mdc-icon-size: 24px;
  }
  ha-card {
    height: 100%;
    overflow: hidden;
  }
  .content {
    display: flex;
    flex-direction: column;
    gap: var(--gap);
    padding: var(--gap);
  }
  h2,
  h3,
  p {
    margin: 0;
    font-size: inherit;
    font-weight: var(--ha-font-weight-medium, 500);
  }
  p {
    font-weight: inherit;
  }
  ul {
    list-style: none;
    margin: 0;
    padding: 0;
  }
  ha-icon {
    flex: none;
  }
  .grow {
    flex: 1;
    min-width: 0;
    overflow-wrap: anywhere;
  }
  .spread {
    display: flex;
    justify-content: space-between;
    align-items: center;
    gap: 8px;
  }
  .secondary {
    color: var(--secondary-text-color);
    font-size: var(--ha-font-size-s, 12px);
    line-height: 1.4;
  }
  .strong {
    font-weight: var(--ha-font-weight-medium, 500);
  }
  .sr {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
`;

export const motion = css`
  @media (prefers-reduced-motion: no-preference) {
    .spin {
      animation: spin 1.6s linear infinite;
    }
    .unknown {
      animation: pulse 1.4s ease-in-out infinite;
    }
  }
  .unknown {
    opacity: 0.4;
  }
  @media (prefers-reduced-motion: reduce) {
    .fill,
    .chevron {
      transition: none;
    }
  }
  @keyframes spin {
    to {
      transform: rotate(-360deg);
    }
  }
  @keyframes pulse {
    50% {
      opacity: 0.15;
    }
  }
`;
