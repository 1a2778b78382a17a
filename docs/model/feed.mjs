// A channel as a node hears it.
import { on } from './rules.mjs';

/** How many recent events of a channel a node keeps in memory. */
const RECENT = 3;

export class Feed {
  seen = 0;
  /** The newest event that was announced on this link, and on those before it. */
  newest = 0;
  newestBefore = 0;
  recent = [];
  from = Infinity;
  isReady = false;
  wasLost = false;
  /** Nobody listens any more, as of which request to leave: it is left once an audit has proved it. */
  leaving = undefined;

  /** A position from after the subscription's acknowledgement. Others from before it may still be on their way. */
  ready(id) {
    this.isReady = true;
    if (!on('announced-first')) this.seen = Math.max(this.seen, id);
    if (this.from === Infinity) this.from = this.seen = Math.max(this.seen, id);
    this.wasLost = false;
  }

  reset() {
    Object.assign(this, { seen: 0, newest: 0, recent: [], from: Infinity, isReady: false, wasLost: true });
  }

  /** Something up to this position was missed: memory begins anew behind it. */
  beginAfter(id) {
    this.recent = [];
    this.from = id;
  }

  add(m) {
    this.newest = m.id;
    this.recent.push(m);
    if (this.recent.length > RECENT) this.from = this.recent.shift().id;
  }

  /** What was read of the log for one connection spares the next one the reading. */
  keep(after, { found, logStart, last, upTo }, heard) {
    const { from } = this;
    // Else it would be ahead of other feeds, whose announcements from before are still on their way.
    if (on('memory-not-ahead') && from > heard) return;
    if (logStart > after || upTo !== last || from === Infinity || after >= from || last < from) return;
    this.recent = [...found.filter((e) => e.id <= from), ...this.recent];
    this.from = after;
    while (this.recent.length > RECENT) this.from = this.recent.shift().id;
  }

  covers(cursor) {
    return on('memory-covers') ? cursor >= this.from : this.from !== Infinity;
  }
}
