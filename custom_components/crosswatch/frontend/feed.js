/**
 * What Home Assistant tells about a pair. The messages are described in docs/websocket.md.
 *
 * Home Assistant's connection subscribes again by itself after it was lost.
 */
export class Feed {
  /** Follow the pair of a device, or the first of all pairs when `deviceId` is not set. */
  constructor(connection, { deviceId, language }, onChange) {
    this.pairs = new Map();
    this.gone = false;
    this._onChange = onChange;
    const about = deviceId ? { device_id: deviceId } : {};
    this._subscription = connection.subscribeMessage((message) => this._onMessage(message), {
      type: "crosswatch/subscribe",
      language,
      ...about,
    });
    // a refusal is told to whoever waits for `ready`
    this._subscription.catch(() => {});
  }

  /** Resolves when the subscription stands; rejects when it was refused. */
  get ready() {
    return this._subscription;
  }

  /** The pair to show, or undefined while there is none. */
  get pair() {
    return [...this.pairs.values()].sort((one, other) => one.title.localeCompare(other.title))[0];
  }

  async close() {
    this._onChange = () => {};
    try {
      const unsubscribe = await this._subscription;
      await unsubscribe();
    } catch {
      // it never stood, or the connection is gone and took it along
    }
  }

  _onMessage(message) {
    if (message.type === "state") {
      this.pairs.set(message.pair.entry_id, message.pair);
      this.gone = false;
    } else if (message.type === "progress") {
      const pair = this.pairs.get(message.entry_id);
      if (pair) this.pairs.set(message.entry_id, { ...pair, progress: message.progress });
    } else if (message.type === "gone") {
      this.pairs.delete(message.entry_id);
      this.gone = true;
    }
    this._onChange();
  }
}
