// How a client came to a connection: its id, where that puts it in each channel, and which losses it may have missed.
import { on } from './rules.mjs';

export class Arrival {
  /** Where it stood in each channel, and whether late events were owed to it there. Events lost before that may be missing. */
  #stoodAt = new Map();
  /** It was somewhere before, and up to where it may have had events. */
  #isReturn = false;
  #came = 0;
  /** Notices that it was told of. */
  #told = new Set();

  constructor(connection) {
    this.connection = connection;
  }

  /** Channels that the id names as late go on where it says, all others at the cursor. */
  resume({ cursor, owed = {}, own }) {
    this.#isReturn = true;
    this.#came = cursor;
    if (on('late-id')) {
      for (const [ch, after] of Object.entries(owed)) this.#resumeLate(ch, after);
      if (own !== undefined) this.#resumeAfter(own);
    }
    for (const ch of this.connection.channels) if (!this.#stoodAt.has(ch)) this.stand(ch, cursor);
  }

  #resumeLate(ch, after) {
    const { channels, cursor } = this.connection;
    if (!channels.includes(ch)) return;
    cursor.owe(ch, after);
    this.stand(ch, after, true);
  }

  /** Without the rule late-channel-named: the logs tell the channel of the late event. */
  #resumeAfter(own) {
    const { node, client, channels, cursor } = this.connection;
    const others = channels.filter((ch) => !cursor.owed.has(ch));
    const logs = others.map((ch) => ({ ch, hasOwn: node.redis.has(ch, own), ...node.redis.bounds(ch) }));
    const found = logs.find(({ hasOwn, isEvent, logStart }) => hasOwn || (isEvent && logStart === own));
    if (found) return this.#resumeLate(found.ch, own);
    // The event was trimmed, from any log that no longer reaches back to it.
    for (const { ch, logStart } of logs) {
      if (logStart > own) client.gap({ ch, from: own, cause: 'own-trimmed', own });
    }
  }

  stand(ch, position, isLate = false) {
    this.#stoodAt.set(ch, { position, isLate });
    for (const notice of this.connection.node.audit.notices) this.learn(notice);
  }

  /** Some node lost announcements: a client with an id from between the loss and its notice may lack the events. */
  learn({ ch, first, after, upTo, until, key, by, isFailover }) {
    const stood = this.#stoodAt.get(ch);
    if (isFailover) return this.#learnFailover({ ch, after, upTo, until, key }, stood);
    if (!stood || this.#told.has(key) || stood.position < first || stood.position > until) return;
    // The lost events themselves came late: it has all up to there.
    if (stood.isLate && stood.position <= upTo) return;
    this.#told.add(key);
    this.connection.client.gap({ ch, from: after, to: stood.position, cause: 'lost', by, upTo });
  }

  /** A failover lost events: who was new before the last of them, or came with an id from before the notice, may lack them. */
  #learnFailover({ ch, after, upTo, until, key }, stood) {
    const { channels, client, openedAt } = this.connection;
    if (!channels.includes(ch) || this.#told.has(key)) return;
    if (stood ? stood.position > until : openedAt >= upTo) return;
    this.#told.add(key);
    client.gap({ ch, from: after, to: upTo, cause: 'failover' });
  }

  get isReturn() {
    return this.#isReturn;
  }

  /** Up to where it may have had events of a channel when it came. */
  reach(ch) {
    return Math.max(this.#isReturn ? this.#came : 0, this.#stoodAt.get(ch)?.position ?? 0);
  }

  setBack(position) {
    this.#came = Math.min(this.#came, position);
    for (const stood of this.#stoodAt.values()) stood.position = Math.min(stood.position, position);
  }

  stoodBeyond(ch, position) {
    return this.#stoodAt.get(ch)?.position >= position;
  }

  forget(ch) {
    this.#stoodAt.delete(ch);
  }

  /** Its id was none: it was told that all before may be missing. */
  clear() {
    this.#stoodAt.clear();
  }
}
