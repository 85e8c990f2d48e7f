/** What stands in the way: accounts that are not there, and actions that were refused. */
import { html } from "../lit.js";

const ACCOUNT_NOTICES = {
  missing: ["danger", "/config/repairs", "repairs"],
  disabled: ["warning", "/config/integrations/integration/crosswatch", "integration"],
  sign_in: ["danger", "/config/integrations/integration/crosswatch", "integration"],
  loading: ["warning"],
};

/** A box with a text, and with a link for those who may follow it. */
export const notice = (tone, icon, text, more = "") => html`
  <div class="notice ${tone}">
    <ha-icon .icon=${icon}></ha-icon>
    <div class="grow">${text}${more}</div>
  </div>
`;

export const accountNotices = (card, pair) =>
  ["source", "target"].map((side) => {
    const account = pair.accounts[side];
    const known = ACCOUNT_NOTICES[account.state];
    if (!known) return "";
    const [tone, path, name] = known;
    const text = card.t(`account.${account.state}`, { account: account.title || "" });
    const link = path && card.hass.user.is_admin ? html` <a href=${path}>${card.t(`account.open_${name}`)}</a>` : "";
    return notice(tone, "mdi:account-alert-outline", text, link);
  });

/** What the last action ended with, until it is put away. */
export const failure = (card) =>
  card.failure
    ? html`
        <div role="alert">
          ${notice(
            "danger",
            "mdi:alert-circle-outline",
            card.failure,
            html` <button class="link" @click=${() => card.forgetFailure()}>${card.t("notice.dismiss")}</button>`,
          )}
        </div>
      `
    : "";
