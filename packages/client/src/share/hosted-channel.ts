import { readMapNotice } from '../connection/hub-events.js';
import { ChannelRing, type HeldEvent } from './channel-ring.js';
import { HeldMap } from './held-map.js';
import type { SharedEvent } from './protocol.js';
import { ownIdOf, placeAfter, placeOfEvent } from './event-ids.js';

/** What a host knows of one channel of its stream. */
export class HostedChannel {
  private readonly ring: ChannelRing;
  /** Of a state channel, once its map has begun on the stream: in the place of the ring. */
  private map: HeldMap | undefined;
  /** The tabs that need it. None of a channel that the route names need be here. */
  readonly tabs = new Set<string>();
  /** The newest id that any tab has had of it. The stream may be behind, while it repeats what others lack. */
  newest: string | undefined;
  /** The id after which the next stream is asked for it. */
  resume: string | undefined;

  /**
   * @param isAdded whether the host put it on the stream; otherwise the route did
   * @param isOfRoute whether the route names it: then all tabs receive it
   * @param start the id after which the stream brings its events
   */
  constructor(
    public isAdded: boolean,
    public isOfRoute: boolean,
    start: string | undefined,
  ) {
    this.ring = new ChannelRing(start);
    this.newest = this.resume = start;
  }

  /** @param id of an event, or where the channel began without one */
  reached(id: string): void {
    const place = placeOfEvent(id);
    const newest = this.newest === undefined ? undefined : placeAfter(this.newest, place?.shard);
    if (!place || !newest || place.position > newest.position || place.line > newest.line)
      this.newest = ownIdOf(id);
  }

  /** Keeps an event for tabs that join late. @param order the how manieth of the host it is */
  hold(order: number, event: SharedEvent): void {
    if (readMapNotice(event)?.begins) this.map = new HeldMap({ order, event });
    else if (this.map) this.map.push({ order, event });
    else this.ring.push(order, event);
  }

  /** What is held behind an id: as of `ChannelRing`. */
  heldAfter(id: string): HeldEvent[] | undefined {
    return this.map ? this.map.after(id) : this.ring.after(id);
  }

  /** The stream brings all again that came after an id. */
  rewind(start: string): void {
    this.resume = start;
    this.map = undefined;
    this.ring.clear(start);
  }
}
