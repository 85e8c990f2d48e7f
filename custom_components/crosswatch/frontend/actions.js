/** What the card asks of Home Assistant, always by an action of the integration. */

/** Code of the websocket library: the answer never came, and the state tells what became of it. */
const CONNECTION_LOST = 3;

/** Add the actions to an element that has `hass`. */
export const Actions = (Base) =>
  class extends Base {
    constructor() {
      super();
      this._busy = new Set();
    }

    /** Whether this version of the integration has an action. */
    can(service) {
      return Boolean((this.hass.services.crosswatch || {})[service]);
    }

    /** Whether something was asked for that has no answer yet. */
    busy(id) {
      return this._busy.has(id);
    }

    ask(dialog) {
      this.dialog = dialog;
      this.requestUpdate();
    }

    /** Close the dialog in the browser's way, which gives the focus back. */
    closeDialog() {
      const window = this.renderRoot.querySelector("dialog[open]");
      if (window) window.close();
      this.ask(undefined);
    }

    forgetFailure() {
      this.failure = undefined;
      this.requestUpdate();
    }

    run(pair) {
      return this._call("run", "sync_pair", { device_id: pair.device_id, wait: false });
    }

    runFromPreview(pair) {
      this.closeDialog();
      return this.run(pair);
    }

    /** A dry run, whose result is shown when it is there. (`preview` is a property that cards are given.) */
    async look(pair) {
      const asked = { before: pair.preview, begun: false };
      if (await this._call("run", "sync_pair", { device_id: pair.device_id, dry_run: true, wait: false })) {
        this._look = asked;
        this.requestUpdate();
      }
    }

    /** Find out what taking a run back would do, and ask whether it is to be done. */
    async lookBack(pair, run) {
      const data = { device_id: pair.device_id, run_id: run.run_id, dry_run: true };
      if (await this._call("undo", "undo_run", data)) this.ask({ kind: "undo", run });
    }

    /** Take a run back, and tell how it went. */
    async takeBack(pair, run) {
      this.closeDialog();
      const result = await this._call("undo", "undo_run", { device_id: pair.device_id, run_id: run.run_id });
      if (result) this.ask({ kind: "undone", run, result });
    }

    /** Open what a dry run has found, once it is over. */
    showFound(pair) {
      if (!this._look || !pair) return;
      if (pair.running) this._look.begun = true;
      else if (pair.preview && pair.preview !== this._look.before) this.ask({ kind: "preview" });
      if (this.dialog || (this._look.begun && !pair.running)) this._look = undefined;
    }

    cancel(pair) {
      return this._call("cancel", "cancel_sync", { device_id: pair.device_id });
    }

    decide(kind, pair, plan) {
      this.closeDialog();
      const { feature, plan_hash } = plan;
      return this._call("decide", `${kind}_plan`, { device_id: pair.device_id, feature, plan_hash });
    }

    /** Try one item again, or all of them. */
    async retry(pair, item, id = "retry") {
      const chosen = item ? { keys: [item.key] } : {};
      if (await this._call(id, "retry_unresolved", { device_id: pair.device_id, ...chosen })) {
        this._tell("unresolved.retrying");
      }
    }

    /** Ignore an item, or count it again. */
    async ignore(pair, { feature, side, key, ignored }, id) {
      const data = { device_id: pair.device_id, feature, side, key, ignored: !ignored };
      if (await this._call(id, "ignore_item", data)) {
        this._tell(ignored ? "unresolved.unignoring" : "unresolved.ignoring");
      }
    }

    /** Tell which title an item is. */
    async map(pair, { key, kind }, tmdb) {
      this.closeDialog();
      const data = { device_id: pair.device_id, item: key, kind, tmdb };
      if (await this._call(key, "map_item", data)) this._tell("unresolved.mapped");
    }

    /** Call an action, once at a time; return what it answers, or true, and false when it did not go well. */
    async _call(id, service, data) {
      if (this.busy(id)) return false;
      this._busy.add(id);
      this.failure = undefined;
      this.requestUpdate();
      const known = this.hass.services.crosswatch[service];
      const withResponse = Boolean(known && known.response);
      try {
        const done = await this.hass.callService("crosswatch", service, data, undefined, false, withResponse);
        return (done && done.response) || true;
      } catch (error) {
        if (error !== CONNECTION_LOST && error.code !== CONNECTION_LOST) this.failure = error.message || String(error);
        return false;
      } finally {
        this._busy.delete(id);
        this.requestUpdate();
      }
    }

    _tell(key) {
      const detail = { message: this.t(key) };
      this.dispatchEvent(new CustomEvent("hass-notification", { detail, bubbles: true, composed: true }));
    }
  };
