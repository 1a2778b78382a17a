import { readMapNotice } from '../connection/hub-events.js';
import type { ChannelEvent, ErrorData } from './channel-types.js';
import { SseClientError } from './client-error.js';

/** What a page has of a state channel. Each change is a new object, with a new map. */
export interface StateMapView<Event = ChannelEvent> {
  /** The newest event of each key, in the order in which these events were published. */
  readonly map: ReadonlyMap<string, Event>;
  /** False until the map has come, whole, for the first time. */
  readonly isLoaded: boolean;
  /** How many older events this page was not sent, since newer ones of their keys came before it had taken them. */
  readonly conflated: number;
  /** Why the map cannot be had; the rest is from before. */
  readonly error?: ErrorData;
}

export const NO_STATE_MAP: StateMapView<never> = {
  map: new Map<string, never>(),
  isLoaded: false,
  conflated: 0,
};

/** Makes the map of a state channel from its events. */
export class MapReader {
  private entries = new Map<string, ChannelEvent>();
  /** A map that has begun, and is not whole yet: the one before counts until then. */
  private coming: Map<string, ChannelEvent> | undefined;
  private rest: Omit<StateMapView, 'map'> = NO_STATE_MAP;
  private made: StateMapView | undefined = NO_STATE_MAP;
  private isStrayTold = false;

  /** @param onStray told once, of an event that belongs to no key of a map that is there */
  constructor(private readonly onStray: (channel: string) => void) {}

  /** Copied when it is read, and not at each event: many may come before a page renders. */
  get view(): StateMapView {
    return (this.made ??= { ...this.rest, map: new Map(this.entries) });
  }

  /** @returns whether the view is another one now */
  take(event: ChannelEvent): boolean {
    const { type, key, text, channel = '' } = event;
    if (key !== undefined) return this.takeEntry(event, key);
    if (type === 'error') return this.change({ error: event.data as ErrorData });
    const notice = readMapNotice({ type, data: text, channel });
    if (notice?.begins) this.coming = new Map();
    else if (notice?.complete) return this.complete();
    else if (notice?.conflated !== undefined)
      return this.change({ conflated: this.rest.conflated + notice.conflated });
    else if (type === 'end') return false;
    else if (this.rest.isLoaded && type !== 'gap') this.noteStray(channel);
    else return this.change({ error: toNoMap(channel) });
    return false;
  }

  /** The map is right all the same. */
  private noteStray(channel: string): void {
    if (!this.isStrayTold) this.onStray(channel);
    this.isStrayTold = true;
  }

  private takeEntry(event: ChannelEvent, key: string): boolean {
    const map = this.coming ?? this.entries;
    const isThere = map.delete(key);
    if (event.type !== 'map') map.set(key, event);
    else if (!isThere) return false;
    return map === this.entries && this.change({});
  }

  private complete(): boolean {
    if (!this.coming) return false;
    this.entries = this.coming;
    this.coming = undefined;
    const { conflated } = this.rest;
    this.rest = { isLoaded: true, conflated };
    return this.change({});
  }

  private change(change: Partial<StateMapView>): true {
    this.rest = { ...this.rest, ...change };
    this.made = undefined;
    return true;
  }
}

function toNoMap(channel: string): ErrorData {
  const error = new SseClientError(
    'NO_MAP',
    `Events of ${channel} came without a key, or with a gap: it is no state channel, or the transport is event-source, or the stream cannot begin it anew, which takes SseConnectionsController and authorize.`,
  );
  return { channel, code: error.code, error };
}
