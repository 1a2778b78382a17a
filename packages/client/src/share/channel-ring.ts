import { isAtOrBefore, placeAfter, placeOfEvent, placeOfStream, type EventPlace } from './event-ids.js';
import { readHubNotice } from './hub-notice.js';
import type { SharedEvent } from './protocol.js';

/** An event, and the how manieth of the host it is: events of several channels are replayed in this order. */
export interface HeldEvent {
  readonly order: number;
  readonly event: SharedEvent;
}

/** Tabs of a page that loads its state first come with a position from some moments ago; older ones are the server's. */
const MAX_HELD = 256;

/** The newest events of one channel, for tabs that join late. */
export class ChannelRing {
  private held: (HeldEvent & { readonly place: EventPlace })[] = [];
  /** The last event that is not held any more. */
  private dropped: EventPlace | undefined;

  /** @param start the id after which the ring has everything: of the channel, or of the stream; undefined: not known */
  constructor(
    private start: string | undefined,
    private readonly capacity = MAX_HELD,
  ) {}

  push(order: number, event: SharedEvent): void {
    const place = placeOfEvent(readHubNotice(event)?.to ?? event.id);
    if (!place) return;
    this.held.push({ order, event, place });
    if (this.held.length > this.capacity) this.dropped = this.held.shift()!.place;
  }

  /** The channel is read anew. */
  clear(start: string | undefined): void {
    this.held = [];
    this.dropped = undefined;
    this.start = start;
  }

  /**
   * The events behind an id.
   *
   * @param id of the channel, or of a stream
   * @returns undefined where the ring does not reach back so far, or cannot know
   */
  after(id: string): HeldEvent[] | undefined {
    // It names channels that are owed events from before it, and does not say which: docs/delivery.md.
    if (id.includes(':')) return undefined;
    const newest = this.held.at(-1)?.place;
    if (!newest) return this.start !== undefined && isAtOrBefore(this.start, id) ? [] : undefined;
    const place = placeAfter(id, newest.shard);
    if (!place || !this.covers(place, newest)) return undefined;
    return this.held.filter((held) => held.place.position > place.position);
  }

  private covers(place: EventPlace, newest: EventPlace): boolean {
    if (place.position >= newest.position && place.line === newest.line) return true;
    const begin = this.start === undefined ? this.held[0]!.place : placeOfStream(this.start, place.shard);
    const start = this.dropped ?? begin;
    // Behind a failover positions alone do not say what came first (docs/decisions/021-lines.md).
    return start ? place.position >= start.position && place.line >= newest.line : false;
  }
}
