import { readMapNotice } from '../connection/hub-events.js';
import type { RefusalReason } from '../stream/event-stream.interface.js';
import { isAfter, isEventId } from '../stream/event-id.js';
import type {
  ChannelEvent,
  ErrorData,
  EventListenerOf,
  EventMap,
  EventOf,
  GapData,
  HubEvents,
} from './channel-types.js';
import { SseClientError, type SseClientErrorCode } from './client-error.js';
import { EventQueue } from './event-queue.js';
import type { Snapshot } from './fetch-state.js';
import { Listeners } from './listeners.js';
import { toText } from './refusal-text.js';
import { StateLoader } from './state-loader.js';

/** Options of `client.channel()`. */
export interface ChannelOptions<State = unknown> {
  /** The events that come are those after this id, such as the cursor of a state that the page has already. Default: from now on. */
  readonly after?: string | undefined;
  /** Closes the channel when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Loads the state of which the events are changes: at the beginning (unless `after` is given), and after each gap. Events up to its
   * cursor are dropped, and newer ones wait until it has come. Where it fails, it is called again after a while.
   */
  readonly getState?: ((signal: AbortSignal) => Promise<Snapshot<State>>) | undefined;
  /** Receives each state, before the events that follow it. */
  readonly onState?: ((state: State) => void) | undefined;
  /** Receives each gap: what lies between cannot be recovered. Where there is `getState`, the state is loaded anew by itself. */
  readonly onGap?: ((gap: GapData) => void) | undefined;
  /** ms over which clients spread their loads after a gap, since many are told of one at once. Default 3,000. */
  readonly gapSpread?: number | undefined;
  /** How many events may wait: for an iterator that is read slowly, and while a state is loaded. Default 1,000. */
  readonly maxQueued?: number | undefined;
}

/** A channel, whatever its events and its state. @internal */
export type AnyChannel = Pick<Channel, 'name' | 'begin' | 'receive' | 'refuse' | 'stop' | 'close'>;

/** What a channel asks of its client. @internal */
export interface ChannelOwner {
  /** @returns the position of now, where it is known and `after` is undefined */
  join(channel: AnyChannel, after: string | undefined): string | undefined;
  leave(channel: AnyChannel): void;
  listen(type: string): void;
  onError(message: string, error: unknown): void;
}

/** One page's, or one component's, hold on a channel. The channel leaves the stream when the last of its holders has closed. */
export class Channel<Events extends EventMap = EventMap, State = unknown> {
  /** @internal Vue makes no proxy of it (`markRaw()`): what begins by a proxy does not know itself again later. */
  readonly __v_skip = true;
  private readonly listeners: Listeners;
  private readonly queues = new Set<EventQueue<EventOf<Events>>>();
  private readonly loader: StateLoader<State> | undefined;
  private readonly maxQueued: number;
  /** The stream has the channel for this holder. */
  private isJoined = false;
  private closed = false;
  /** Nothing up to this id is handed over again. */
  private last: string | undefined;
  /** Events that wait for a state. */
  private held: HeldEvent[] | undefined;
  /** There were too many of them: the stream brings them again. */
  private isOverflowed = false;
  /** The stream is over, or has the channel no more: a loop that begins now has nothing to wait for. */
  private over: { readonly error: Error | undefined } | undefined;

  /** @internal Use `client.channel()`. @throws SseClientError */
  constructor(
    private readonly owner: ChannelOwner,
    /** The name of the channel: `order:7`. */
    readonly name: string,
    private readonly options: ChannelOptions<State> = {},
  ) {
    const { after, getState, maxQueued = 1_000 } = options;
    if (after !== undefined && !isEventId(after))
      throw new SseClientError('INVALID_CHANNEL_OPTIONS', 'after takes the id of an event, or a cursor.');
    this.maxQueued = maxQueued;
    this.listeners = new Listeners((error) => owner.onError('A listener has thrown.', error));
    this.loader =
      getState &&
      new StateLoader(
        getState,
        (snapshot) => {
          this.onLoaded(snapshot);
          this.endLate();
        },
        (cause) => this.endLate(this.emitError('STATE_FAILED', 'The state could not be loaded.', cause)),
      );
  }

  /** True after `close()`, and after the signal has aborted. */
  get isClosed(): boolean {
    return this.closed;
  }

  /** @internal After which another hold of the same reader goes on; undefined where it has to begin anew, such as with a state. */
  get position(): string | undefined {
    return this.held ? undefined : this.last;
  }

  /**
   * Calls a function for each event of a type: of those of the channel, and `gap`, `end` and `error`. A function that throws is
   * reported, and does not keep others from the event.
   *
   * @returns a function that removes the listener
   * @example const off = client.channel(orders({ id: 7 })).on('paid', ({ amount }, { id }) => show(amount, id));
   */
  on<Type extends (keyof Events & string) | keyof HubEvents>(
    type: Type,
    listener: EventListenerOf<Events, Type>,
  ): () => void {
    this.owner.listen(type);
    return this.listeners.add(type, listener);
  }

  /** Calls a function for each event, whatever its type. @returns a function that removes the listener */
  onEvent(listener: (event: EventOf<Events>) => void): () => void {
    return this.listeners.add(undefined, (_data, event: EventOf<Events>) => listener(event));
  }

  /**
   * The events from now on, with `gap`, `error` and `end`, after which the loop is over. A reader for whom more than `maxQueued` events
   * wait gets these, and then an `SseClientError` with the code `SLOW_READER`. Where the loop is left or over, nothing else listens to the
   * channel, and no other loop begins in the same turn, it is closed.
   *
   * @example for await (const event of client.channel(orders({ id: 7 }))) if (event.type === 'paid') show(event.data.amount);
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<EventOf<Events>> {
    const queue: EventQueue<EventOf<Events>> = new EventQueue(this.maxQueued, () => {
      this.queues.delete(queue);
      // Nobody else may have the channel, to close it. Whoever has it may begin the next loop at once.
      setTimeout(() => {
        if (this.queues.size === 0 && this.listeners.isEmpty) this.close();
      });
    });
    if (this.over) queue.end(this.over.error);
    else if (this.closed) queue.end();
    else this.queues.add(queue);
    return queue;
  }

  /** Nothing is handed over after it. Loops over the channel end. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.options.signal?.removeEventListener('abort', this.onAbort);
    this.loader?.stop();
    this.held = undefined;
    // What waits for a slow reader is not handed over, either.
    for (const queue of this.queues) void queue.return();
    this.owner.leave(this);
  }

  /** @internal */
  begin(): void {
    const { after, signal } = this.options;
    if (signal?.aborted) {
      this.close();
      return;
    }
    signal?.addEventListener('abort', this.onAbort);
    if (this.loader && after === undefined) this.loader.load(0);
    else this.join(after);
  }

  /** @internal @param own the event's own id, where it has one */
  receive(event: ChannelEvent, own: string | undefined): void {
    if (this.closed || !this.isJoined) return;
    // Another holder may have had it put on the stream again.
    this.over = undefined;
    if (own !== undefined) {
      // Others may have put the channel back to an earlier event.
      if (this.last !== undefined && !isAfter(own, this.last)) return;
      this.last = own;
    } else if (readMapNotice({ ...event, data: event.text, own })?.begins) {
      // What the page has of a state channel counts no longer: its map follows.
      this.last = undefined;
    }
    if (event.type === 'gap') {
      if (this.hasAll(event.data as GapData)) return;
      this.onGap(event.data as GapData);
    } else if (this.held) {
      this.hold({ event, own });
      return;
    }
    this.deliver(event);
  }

  /** @internal */
  refuse(reason: RefusalReason | undefined): void {
    const message = `${this.name} is not on the stream. ${toText(reason)}`;
    const error = this.emitError('CHANNEL_REFUSED', message);
    this.over = { error };
    this.endQueues(error);
  }

  /** @internal The stream is over. */
  stop(error?: Error): void {
    this.loader?.finish();
    this.over = { error };
    // Loops, too, get the events that wait for a state.
    if (!this.held) this.endQueues(error);
  }

  /** The stream was over before the state that events waited for. @param failure why that has not come */
  private endLate(failure?: Error): void {
    if (this.over) this.endQueues(this.over.error ?? failure);
  }

  private readonly onAbort = () => this.close();

  private join(after: string | undefined): void {
    this.isJoined = true;
    this.last = this.owner.join(this, after);
  }

  private onLoaded({ state, cursor }: Snapshot<State>): void {
    const { held = [], isOverflowed, isJoined, last } = this;
    this.held = undefined;
    this.isOverflowed = false;
    this.call('onState', state);
    if (this.closed) return;
    if (!isJoined || isOverflowed) {
      this.join(cursor);
      return;
    }
    for (const { event, own } of held) if (own === undefined || isAfter(own, cursor)) this.deliver(event);
    if (last === undefined || isAfter(cursor, last)) this.last = cursor;
  }

  /** Whether the gap is of another holder alone, who asked for events from before: this one has what comes behind it. */
  private hasAll({ from, to }: GapData): boolean {
    const { last } = this;
    return last !== undefined && from !== null && isAfter(to, from) && !isAfter(to, last);
  }

  private onGap({ from, to }: GapData): void {
    // The data are others than before, and ids begin anew.
    if (from === null || !isAfter(to, from)) this.last = to;
    if (!this.loader) return;
    this.held ??= [];
    this.loader.load(Math.random() * (this.options.gapSpread ?? 3_000), to);
  }

  private hold(held: HeldEvent): void {
    if (this.isOverflowed) return;
    this.isOverflowed = this.held!.push(held) > this.maxQueued;
    if (this.isOverflowed) this.held = [];
  }

  /** A function that it calls may close the channel. */
  private deliver(event: ChannelEvent): void {
    if (this.closed) return;
    if (event.type === 'gap') this.call('onGap', event.data as GapData);
    this.listeners.emit(event, () => this.closed);
    for (const queue of this.queues) queue.push(event as EventOf<Events>);
    if (event.type === 'end') this.endQueues();
  }

  private call<Name extends 'onState' | 'onGap'>(
    name: Name,
    value: Parameters<NonNullable<ChannelOptions<State>[Name]>>[0],
  ): void {
    try {
      (this.options[name] as ((given: typeof value) => void) | undefined)?.(value);
    } catch (error) {
      this.owner.onError(`${name} has thrown.`, error);
    }
  }

  private emitError(code: SseClientErrorCode, message: string, cause?: unknown): SseClientError {
    const error = new SseClientError(code, message, { cause });
    const data: ErrorData = { channel: this.name, code, error };
    this.owner.onError(message, cause ?? error);
    this.listeners.emit({ type: 'error', data, text: '', id: '', channel: this.name });
    return error;
  }

  private endQueues(error?: Error): void {
    for (const queue of this.queues) queue.end(error);
  }
}

interface HeldEvent {
  readonly event: ChannelEvent;
  readonly own: string | undefined;
}
