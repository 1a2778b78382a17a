import { START } from '../stream/event-id.js';
import type { Channel } from './channel.js';
import { toChannelName } from './channel-of.js';
import type { ChannelRef, EventMap, StateEventOf } from './channel-types.js';
import { MapReader, NO_STATE_MAP, type StateMapView } from './map-reader.js';
import type { SseClient } from './sse-client.js';

export { NO_STATE_MAP, type StateMapView };

/** A state channel by its name, or a reference of `channelOf()`. */
export type StateChannel<Events extends EventMap = EventMap> = string | ChannelRef<Events, true>;

/** One channel's map in a page, for all that show it. */
interface SharedMap {
  readonly channel: Channel;
  readonly reader: MapReader;
  readonly holders: Set<StateMap>;
}

const shared = new WeakMap<SseClient, Map<string, SharedMap>>();

/**
 * The map of a state channel: of each key the newest event.
 *
 * It is the server's map at every moment: where the server sends the map anew (after a loss, or a long absence), the one before stays until
 * the new one is whole. All that is asked for by one client is one map, and the channel leaves the stream when the last of them is closed.
 *
 * @param channel a state channel of the server (`defineChannel(…, { state: true })`)
 * @throws SseClientError INVALID_CHANNEL; CLIENT_CLOSED after `close()` of the client
 *
 * @example
 * ```ts
 * const cards = stateMap(client, boards({ id: 7 }));
 * cards.onChange(({ map }) => render([...map.values()]));
 * cards.get('c3')?.data.x;
 * cards.close();
 * ```
 */
export function stateMap<Events extends EventMap = EventMap>(
  client: SseClient,
  channel: StateChannel<Events>,
): StateMap<Events> {
  return new StateMap(client, toChannelName(channel));
}

/** Of `stateMap()`. */
export class StateMap<Events extends EventMap = EventMap> {
  /** @internal Vue makes no proxy of it (`markRaw()`): what begins by a proxy does not know itself again later. */
  readonly __v_skip = true;
  private readonly source: SharedMap;
  private readonly listeners = new Set<(view: StateMapView<StateEventOf<Events>>) => void>();
  private isTelling = false;

  /** @internal Use `stateMap()`. */
  constructor(
    private readonly client: SseClient,
    /** The name of the channel: `board:7`. */
    readonly name: string,
  ) {
    this.source = open(client, name);
    this.source.holders.add(this as unknown as StateMap);
  }

  /** The map of now, and how far it is. It is another object after each change. */
  get view(): StateMapView<StateEventOf<Events>> {
    return this.source.reader.view as StateMapView<StateEventOf<Events>>;
  }

  /** The newest event of a key; undefined where there is none. */
  get(key: string): StateEventOf<Events> | undefined {
    return this.view.map.get(key);
  }

  /**
   * Calls a function after changes, once for those that come together. A function that throws is reported, and does not keep others from
   * their call.
   *
   * @returns a function that removes it
   */
  onChange(listener: (view: StateMapView<StateEventOf<Events>>) => void): () => void {
    const own: typeof listener = (view) => listener(view);
    this.listeners.add(own);
    return () => void this.listeners.delete(own);
  }

  /** Nothing is told after it. The view stays as it is for nobody else. */
  close(): void {
    this.listeners.clear();
    const { holders, channel } = this.source;
    if (!holders.delete(this as unknown as StateMap) || holders.size > 0) return;
    forget(this.client, this.name, this.source);
    channel.close();
  }

  /** @internal */
  tell(): void {
    if (this.isTelling || this.listeners.size === 0) return;
    this.isTelling = true;
    queueMicrotask(() => {
      this.isTelling = false;
      for (const listener of [...this.listeners]) {
        // Another one may have removed it, or closed the map.
        if (!this.listeners.has(listener)) continue;
        try {
          listener(this.view);
        } catch (error) {
          this.client.report('A listener has thrown.', error);
        }
      }
    });
  }
}

function open(client: SseClient, name: string): SharedMap {
  const maps = shared.get(client) ?? new Map<string, SharedMap>();
  shared.set(client, maps);
  const known = maps.get(name);
  if (known && !known.channel.isClosed) return known;
  // Where the stream has the channel already, it begins anew for this: what came before is known to nobody.
  const channel = client.channel(name, { after: START });
  const reader = new MapReader((stray) =>
    client.report(`An event of ${stray} has no key: its publisher does not know the state channel.`),
  );
  const one: SharedMap = { channel, reader, holders: new Set() };
  maps.set(name, one);
  channel.onEvent((event) => {
    if (!one.reader.take(event)) return;
    // It is not on the stream any more: the next to ask for it tries again.
    if (event.type === 'error') forget(client, name, one);
    for (const holder of one.holders) holder.tell();
  });
  return one;
}

function forget(client: SseClient, name: string, one: SharedMap): void {
  const maps = shared.get(client);
  if (maps?.get(name) === one) maps.delete(name);
}
