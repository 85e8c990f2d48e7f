/** The card: follows one pair, shows its parts, and passes on what is asked of it. */
import { Actions } from "./actions.js";
import { configForm, isPair } from "./editor.js";
import { Feed } from "./feed.js";
import { Format } from "./format.js";
import { LitElement, html } from "./lit.js";
import { buttons, previewLine } from "./parts/buttons.js";
import { dialog } from "./parts/dialogs.js";
import { features } from "./parts/features.js";
import { header } from "./parts/header.js";
import { held } from "./parts/held.js";
import { accountNotices, failure, notice } from "./parts/notices.js";
import { progress, spoken } from "./parts/progress.js";
import { runs } from "./parts/runs.js";
import { unresolved } from "./parts/unresolved.js";
import { styles } from "./styles.js";
import { loadTexts } from "./texts.js";

/** Milliseconds between two updates of "5 minutes ago". */
const TICK = 30_000;
const MINUTE = 60;

export class CrossWatchCard extends Actions(LitElement) {
  static get properties() {
    return { hass: { attribute: false }, config: { state: true } };
  }

  static get styles() {
    return styles;
  }

  static getConfigForm() {
    return configForm();
  }

  static getStubConfig(hass) {
    const pair = Object.values(hass.devices).find(isPair);
    return pair ? { device_id: pair.id } : {};
  }

  constructor() {
    super();
    this.config = {};
    this._open = new Set();
  }

  // --- what Home Assistant asks of a card --------------------------------------------------------

  setConfig(config) {
    if (config.hide !== undefined && !Array.isArray(config.hide)) throw new Error("hide: a list of parts");
    this.config = config;
  }

  getCardSize() {
    return 6;
  }

  getGridOptions() {
    return { columns: 12, min_columns: 6 };
  }

  connectedCallback() {
    super.connectedCallback();
    this._tick = setInterval(() => this.requestUpdate(), TICK);
    this.requestUpdate();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearInterval(this._tick);
    this._closeFeed();
  }

  // --- following the pair ------------------------------------------------------------------------

  /** Home Assistant hands over a new `hass` whenever any state changes: few of them matter here. */
  shouldUpdate(changed) {
    const before = changed.get("hass");
    if (!this.hass) return false;
    if (changed.size > 1 || !changed.has("hass") || !before) return true;
    const parts = ["locale", "devices", "services", "user", "connection", "config"];
    return parts.some((part) => before[part] !== this.hass[part]);
  }

  willUpdate() {
    const { locale, config, connection } = this.hass;
    if (this._locale !== locale || this._timeZone !== config.time_zone) {
      this._locale = locale;
      this._timeZone = config.time_zone;
      this.format = new Format(locale, config.time_zone);
      this._loadTexts(locale.language);
    }
    const deviceId = this.config.device_id;
    const wanted = [connection, deviceId, locale.language];
    if (this.isConnected && !(this._wanted && wanted.every((one, index) => one === this._wanted[index]))) {
      this._closeFeed();
      this._wanted = wanted;
      this._openFeed(connection, { deviceId, language: locale.language });
    }
    this._now = Date.now() / 1000;
    this.showFound(this._feed && this._feed.pair);
    this._hadFocus = Boolean(this.renderRoot && this.renderRoot.activeElement);
  }

  updated() {
    // what had the focus may be gone, such as the button to stop a run: the reader must not be lost with it
    const next = this._hadFocus && !this.renderRoot.activeElement && this.renderRoot.querySelector(".sync");
    if (next) next.focus({ preventScroll: true });
    const window = this.renderRoot.querySelector("dialog");
    if (window && !window.open) window.showModal();
  }

  async _loadTexts(language) {
    const texts = await loadTexts(language);
    if (this._locale.language === language) {
      this._texts = texts;
      this.requestUpdate();
    }
  }

  async _openFeed(connection, about) {
    const feed = new Feed(connection, about, () => this.requestUpdate());
    this._feed = feed;
    this._refused = undefined;
    try {
      await feed.ready;
    } catch (error) {
      if (this._feed === feed) this._refused = error.message || String(error.code);
      this.requestUpdate();
    }
  }

  _closeFeed() {
    if (this._feed) this._feed.close();
    this._feed = this._wanted = undefined;
  }

  // --- what the parts ask of the card ------------------------------------------------------------

  t(key, values) {
    return this._texts.get(key, values);
  }

  /** A text with a number, in the right plural. */
  count(key, n) {
    return this.t(key, { n, n_text: this.format.number(n) });
  }

  /** How long ago a time is, or how long from now; epoch seconds. */
  ago(at) {
    const ahead = at - this._now;
    if (Math.abs(ahead) < MINUTE) return this.t(ahead > 0 ? "time.soon" : "time.now");
    return this.format.relative(at, this._now);
  }

  shows(part) {
    return !(this.config.hide || []).includes(part);
  }

  isOpen(id) {
    return this._open.has(id);
  }

  toggle(id) {
    if (!this._open.delete(id)) this._open.add(id);
    this.requestUpdate();
  }

  /** Keep up with a `details` element. */
  onToggle(event, id) {
    if (event.target === event.currentTarget && event.target.open !== this.isOpen(id)) this.toggle(id);
  }

  // --- showing it --------------------------------------------------------------------------------

  render() {
    if (!this._texts) return html`<ha-card></ha-card>`;
    const pair = this._feed && this._feed.pair;
    return html`
      <ha-card>
        <div class="content">${pair ? this._pair(pair) : this._noPair()}</div>
      </ha-card>
      ${dialog(this, pair)}
    `;
  }

  _pair(pair) {
    return html`
      ${header(this, pair)}
      <div class="sr" aria-live="polite">${spoken(this, pair)}</div>
      ${progress(this, pair)} ${failure(this)} ${accountNotices(this, pair)} ${held(this, pair)}
      ${pair.status === "never_run" ? notice("primary", "mdi:information-outline", this.t("empty.never_run")) : ""}
      ${features(this, pair)} ${previewLine(this, pair)} ${unresolved(this, pair)} ${runs(this, pair)}
      ${buttons(this, pair)}
    `;
  }

  _noPair() {
    const { devices } = this.hass;
    const id = this.config.device_id;
    if (this._refused) return notice("danger", "mdi:alert-circle-outline", this.t("empty.refused", { error: this._refused }));
    if (id && !devices[id]) return notice("warning", "mdi:link-off", this.t("empty.gone"));
    if (!id && !Object.values(devices).some(isPair)) return notice("primary", "mdi:sync", this.t("empty.no_pair"));
    return notice("neutral", "mdi:timer-sand", this.t("empty.loading"));
  }
}
