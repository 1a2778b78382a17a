import type { EventRecord } from '../event/event-record.js';
import type { Position } from '../event/position.js';
import { HeldEvent, NOWHERE, type EventRing, type Place } from './event-ring.js';

/**
 * The newest events of one channel, in memory: what a connection that fell behind a little is served from, without
 * asking the log. All channels of a node share the ring that holds them: the oldest goes first, whichever channel it is of.
 */
export class RecentEvents {
  /** It covers everything after this position, or what is left of that in the ring. */
  private begin: Position = Infinity;
  private newest: Place = NOWHERE;
  /** Of the newest, which outlives it. */
  private newestPosition: Position = 0;

  constructor(private readonly ring: EventRing) {}

  add(record: EventRecord): void {
    this.newest = this.ring.add(record, this.newest);
    this.newestPosition = record.position;
    if (this.newest === NOWHERE) this.begin = record.position;
  }

  /** Whether it holds every event after this position. */
  covers(position: Position): boolean {
    if (position < this.begin) return false;
    const { ring } = this;
    let place = this.newest;
    if (place === NOWHERE) return true;
    if (!ring.holds(place)) {
      this.clear(this.newestPosition);
      return position >= this.begin;
    }
    while (ring.positionAt(place) > position) {
      const previous = ring.getPrevious(place);
      if (previous === NOWHERE) return true;
      if (!ring.holds(previous)) {
        // Between `prev` and the event that is left there was none.
        this.begin = ring.prevAt(place);
        return position >= this.begin;
      }
      place = previous;
    }
    return true;
  }

  /** It covers everything after this position; nothing, while it is infinite. */
  get from(): Position {
    // Looks at all that is left, and moves `begin` to where that begins.
    this.covers(this.begin);
    return this.begin;
  }

  /** From now on it holds all that comes after this position. */
  beginAfter(position: Position): void {
    this.begin = position;
  }

  /** Of those that it holds, to be taken before the next is added. */
  after(position: Position): HeldEvent[] {
    const { ring } = this;
    const events: HeldEvent[] = [];
    for (let place = this.newest; ring.holds(place); place = ring.getPrevious(place)) {
      const at = ring.positionAt(place);
      if (at <= position) break;
      events.push(new HeldEvent(ring, place, at));
    }
    return events.reverse();
  }

  /** Takes in the events before the first one, so that it covers everything after `from`. */
  extendBack(from: Position, records: readonly EventRecord[]): void {
    const all = [...records, ...this.after(-1).map(({ record }) => record)];
    this.clear(from);
    // In their order once more: the oldest are to go first.
    for (const record of all) this.add(record);
  }

  /** Forgets everything. */
  clear(from: Position): void {
    this.newest = NOWHERE;
    this.begin = from;
  }
}
