import { readMapNotice } from '../connection/hub-events.js';
import type { HeldEvent } from './channel-ring.js';
import { ownIdOf, placeAfter, placeOfEvent, placeOfStream, type EventPlace } from './event-ids.js';

/** Removals that are remembered. A tab from before an older one gets the map anew. */
const MAX_REMOVALS = 256;

/** The map of a state channel, for tabs that join late: the newest event of each key, and the newest removals. */
export class HeldMap {
  /** In the order of their ids. */
  private readonly entries = new Map<string, HeldEvent>();
  private readonly removals = new Map<string, HeldEvent>();
  /** The host has the map, whole. */
  private complete: HeldEvent | undefined;
  /** From here on all removals are remembered. */
  private floor: EventPlace | undefined;

  /** @param begins the event with which the map began on the stream */
  constructor(private readonly begins: HeldEvent) {
    const { id } = begins.event;
    this.floor = placeOfStream(id, placeOfEvent(id)?.shard);
  }

  push(held: HeldEvent): void {
    const { key, type } = held.event;
    if (key === undefined) {
      if (readMapNotice(held.event)?.complete) this.complete = held;
      return;
    }
    this.entries.delete(key);
    this.removals.delete(key);
    if (type !== 'map') this.entries.set(key, held);
    else this.noteRemoval(key, held);
  }

  /**
   * What a tab lacks: the changes behind an id, or the map from its beginning.
   *
   * @param id of the channel, or of a stream
   */
  after(id: string): HeldEvent[] {
    const { floor, complete } = this;
    const place = floor && placeAfter(id, floor.shard);
    const isChange =
      place &&
      // An id that names channels may be from within the map.
      !id.includes(':') &&
      complete &&
      place.line === floor.line &&
      place.position >= floor.position
        ? ({ event }: HeldEvent) => (placeOf(event.id)?.position ?? Infinity) > place.position
        : undefined;
    const held = [
      ...this.entries.values(),
      ...(isChange ? [...this.removals.values()].filter(isChange) : []),
    ];
    const lacking = isChange ? held.filter(isChange) : [this.begins, ...held];
    return [...lacking, ...(complete ? [complete] : [])].sort((one, other) => one.order - other.order);
  }

  private noteRemoval(key: string, held: HeldEvent): void {
    this.removals.set(key, held);
    if (this.removals.size <= MAX_REMOVALS) return;
    const [oldest, { event }] = this.removals.entries().next().value!;
    this.removals.delete(oldest);
    this.floor = placeOf(event.id);
  }
}

function placeOf(id: string): EventPlace | undefined {
  return placeOfEvent(ownIdOf(id));
}
