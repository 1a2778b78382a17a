import type { ConnectionState } from '../connection/connection-state.js';
import { isOfHub } from '../connection/hub-events.js';
import type { StreamEvent } from '../connection/stream-event.js';
import { writeLog } from '../connection/write-log.js';
import type { StreamOptions } from '../stream/channel-changes.js';
import type { CloseOptions, EventStream } from '../stream/event-stream.interface.js';
import { ownIdOf, toLeast } from '../stream/event-id.js';
import { Channel, type AnyChannel, type ChannelOptions, type ChannelOwner } from './channel.js';
import { toChannelName } from './channel-of.js';
import type { ChannelEvent, ChannelRef, EventMap } from './channel-types.js';
import { SseClientError } from './client-error.js';
import { Listeners } from './listeners.js';
import { parseData, type ParseData } from './parse-data.js';

/** Makes the stream that a client uses: `shareTabs()` of `nestjs-sse-redis-client/share` is one. @param create makes a stream of this page's own */
export type ShareProvider = (create: () => EventStream, options: StreamOptions) => EventStream;

/** Options of `createClient()`. */
export interface ClientOptions extends StreamOptions {
  /** Shares one stream with the other tabs of the browser. Default: this page has its own. */
  readonly share?: ShareProvider | undefined;
  /**
   * Makes the data of the application's events. Those of the hub (`gap`, `end`, `error`, `map`) are JSON. Default: what was published, as far
   * as the server says (`parseData`).
   */
  readonly parse?: ParseData | undefined;
}

/** Channels over one stream. `createClient()` makes it. */
export class SseClient {
  /** @internal Vue makes no proxy of it (`markRaw()`): what begins by a proxy does not know itself again later. */
  readonly __v_skip = true;
  private readonly channels = new Map<string, Set<AnyChannel>>();
  private readonly listeners = new Listeners((error) => this.report('A listener has thrown.', error));
  private readonly stateListeners = new Listeners((error) => this.report('A listener has thrown.', error));
  private newest: ConnectionState | undefined;
  private readonly owner: ChannelOwner;

  /** @internal */
  constructor(
    private readonly stream: EventStream,
    private readonly options: Pick<ClientOptions, 'log' | 'parse'>,
  ) {
    this.owner = {
      join: (channel, after) => this.join(channel, after),
      leave: (channel) => this.leave(channel),
      listen: (type) => stream.listen?.(type),
      onError: (message, error) => this.report(message, error),
    };
    stream.listener = {
      onEvent: (event) => this.receive(event),
      onState: (state) => this.onStreamState(state),
      onRefused: (name, reason) => {
        for (const channel of this.holdersOf(name)) channel.refuse(reason);
      },
    };
    stream.start();
  }

  /** What the client knows of its connection. Each change is a new object. */
  get state(): ConnectionState {
    return this.stream.state;
  }

  /**
   * What the page has of the channels of its route: for the option `lastEventId` of a later client. Undefined where nothing is known yet.
   */
  get lastEventId(): string | undefined {
    return this.stream.lastEventId || undefined;
  }

  /** Calls a function at each change of the state. @returns a function that removes the listener */
  onState(listener: (state: ConnectionState) => void): () => void {
    return this.stateListeners.add('state', listener);
  }

  /**
   * Calls a function for each event of a type, whatever its channel: of those that the route names, of those that are added, and of none
   * (`hub.sendTo()`).
   *
   * @returns a function that removes the listener
   */
  on(type: string, listener: (data: unknown, event: ChannelEvent) => void): () => void {
    this.stream.listen?.(type);
    return this.listeners.add(type, listener);
  }

  /** Calls a function for each event of the stream. @returns a function that removes the listener */
  onEvent(listener: (event: ChannelEvent) => void): () => void {
    return this.listeners.add(undefined, (_data, event: ChannelEvent) => listener(event));
  }

  /**
   * A hold on a channel, which is put on the stream where its route does not name it. Close it when you no longer need it.
   *
   * @param channel its name, or a reference of `channelOf()`, which brings the types of its events
   * @throws SseClientError INVALID_CHANNEL, INVALID_CHANNEL_OPTIONS; CLIENT_CLOSED after `close()`
   *
   * @example
   * ```ts
   * const order = client.channel(orders({ id: 7 }), { getState: (signal) => fetchState<Order>('/orders/7', { signal }), onState: render });
   * order.on('paid', ({ amount }) => show(amount));
   * order.close();
   * ```
   */
  channel<Events extends EventMap = EventMap, State = unknown>(
    channel: string | ChannelRef<Events>,
    options?: ChannelOptions<State>,
  ): Channel<Events, State> {
    const { state } = this;
    if (state.status === 'stopped' && state.reason === 'closed')
      throw new SseClientError('CLIENT_CLOSED', 'The client was closed: make another one.');
    const name = toChannelName(channel);
    const holder = new Channel<Events, State>(this.owner, name, options);
    const holders = this.channels.get(name) ?? new Set();
    this.channels.set(name, holders.add(holder));
    holder.begin();
    // Whoever made it may listen by then.
    if (state.status === 'stopped') queueMicrotask(() => holder.stop(toStopError(state)));
    return holder;
  }

  /** Ends the attempt or the wait that is going on, and connects at once. */
  reconnect(): void {
    this.stream.reconnect();
  }

  /**
   * Closes all channels, and the stream, for good.
   *
   * @param options `everywhere`: in all tabs that share the stream (`shareTabs()`), since the user logs out
   */
  close(options?: CloseOptions): void {
    for (const holders of [...this.channels.values()]) for (const channel of [...holders]) channel.close();
    this.stream.close(options);
  }

  private holdersOf(name: string): AnyChannel[] {
    return [...(this.channels.get(name) ?? [])];
  }

  private join({ name }: AnyChannel, after: string | undefined): string | undefined {
    this.stream.add(name, after);
    const { lastEventId } = this.stream;
    return after === undefined && lastEventId ? toLeast(lastEventId) : after;
  }

  private leave(channel: AnyChannel): void {
    const { name } = channel;
    const holders = this.channels.get(name);
    if (!holders?.delete(channel) || holders.size > 0) return;
    this.channels.delete(name);
    this.stream.remove(name);
  }

  private receive(event: StreamEvent): void {
    const { type, data: text, id, channel, own, key } = event;
    const holders = channel === undefined ? [] : this.holdersOf(channel);
    if (holders.length === 0 && this.listeners.isEmpty) return;
    // A gap has to be told, whatever an application makes of its own data.
    const { parse = parseData } = this.options;
    const data = (parse !== parseData && isOfHub(event) ? parseData : parse)(text, event);
    const received: ChannelEvent = {
      type,
      data,
      text,
      id: own ?? ownIdOf(id),
      channel,
      ...(key !== undefined && { key }),
    };
    this.listeners.emit(received);
    for (const holder of holders) holder.receive(received, own);
  }

  private onStreamState(state: ConnectionState): void {
    if (state.status === 'stopped') {
      const error = toStopError(state);
      for (const holders of [...this.channels.values()])
        for (const channel of [...holders]) channel.stop(error);
    }
    // One of them may close the client: those behind it have the state after this one by then.
    this.newest = state;
    this.stateListeners.emit({ type: 'state', data: state }, () => this.newest !== state);
  }

  /** @internal An error that nobody sees would be lost. */
  report(message: string, error?: unknown): void {
    writeLog(this.options.log, { level: 'error', message, error });
  }
}

/** @returns undefined where the end was in order */
function toStopError(state: ConnectionState & { status: 'stopped' }): SseClientError | undefined {
  const { reason, detail } = state;
  if (reason === 'closed' || reason === 'ended' || reason === 'no-content') return undefined;
  const why = detail === undefined ? reason : `${reason}, ${detail}`;
  return new SseClientError('STOPPED', `The client will not connect again (${why}).`);
}
