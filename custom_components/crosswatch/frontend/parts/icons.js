/** Which icon and which tone goes with what. */

/** Icon and tone of each status of a pair, a feature or a run. */
const STATUSES = {
  never_run: ["mdi:sleep", "neutral"],
  running: ["mdi:sync", "primary"],
  ok: ["mdi:check-circle-outline", "success"],
  unresolved: ["mdi:help-circle-outline", "warning"],
  partial: ["mdi:progress-alert", "warning"],
  held: ["mdi:hand-back-right-outline", "warning"],
  incomplete: ["mdi:database-alert-outline", "danger"],
  unreachable: ["mdi:lan-disconnect", "danger"],
  auth_failed: ["mdi:account-key-outline", "danger"],
  waiting_for_account: ["mdi:account-off-outline", "danger"],
  cancelled: ["mdi:stop-circle-outline", "neutral"],
  failed: ["mdi:alert-circle-outline", "danger"],
};
const UNKNOWN = ["mdi:sync", "neutral"];

const FEATURES = {
  watchlist: "mdi:bookmark-outline",
  history: "mdi:history",
  ratings: "mdi:star-outline",
  progress: "mdi:play-circle-outline",
};
const PROVIDERS = { plex: "mdi:plex", publicmetadb: "mdi:movie-open-outline" };
const ACTIONS = { add: "mdi:plus", update: "mdi:pencil-outline", remove: "mdi:minus" };

export const statusIcon = (status) => (STATUSES[status] || UNKNOWN)[0];
export const statusTone = (status) => (STATUSES[status] || UNKNOWN)[1];
export const featureIcon = (feature) => FEATURES[feature] || "mdi:sync";
export const providerIcon = (provider) => PROVIDERS[provider] || "mdi:account-outline";
export const actionIcon = (action) => ACTIONS[action] || "mdi:circle-small";
