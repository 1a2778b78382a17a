import { setTimeout as wait } from 'node:timers/promises';
import { deferred } from './deferred.js';
import { Inbox } from './inbox.js';
import type { SseBlock, SseMessage } from './sse-parser.js';
import { SseStream } from './sse-stream.js';

export interface ReconnectingClientOptions {
  headers?: Record<string, string>;
  /** Where to start. Default: nowhere, so the first request carries no `Last-Event-ID`. */
  lastEventId?: string;
  /** The longest wait before it reconnects, whatever `retry:` says. Default: 50 ms. */
  maxRetry?: number;
  /** Go on after an answer that ends an EventSource for good (a balancer's 502, say). Default: false. */
  persist?: boolean;
  /** Called with each block as it arrives. */
  onBlock?(block: SseBlock): void;
}

/** An EventSource may choose its own waiting time before the server sets one; this is Chromium's. */
const DEFAULT_RETRY = 3000;

/**
 * Keeps an event stream going as an EventSource does: after an end or an error it waits `retry`, then connects again with
 * `Last-Event-ID`. An answer other than an event stream ends it for good. All messages of all its streams are in one list.
 */
export class ReconnectingClient {
  /** The connection of this moment, or the last one. */
  stream!: SseStream;
  /** How many of its connections have opened. */
  connections = 0;
  /** Why it has given up, if it has. */
  failure: Error | undefined;

  readonly #inbox = new Inbox();
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #isOpen = false;
  #nextOpen = deferred();
  #lastEventId: string;
  #retry = DEFAULT_RETRY;

  /** `pickUrl` is asked before every connection, so that a client can come back at another process. */
  static start(
    url: string | { pickUrl(): string },
    options: ReconnectingClientOptions = {},
  ): ReconnectingClient {
    return new ReconnectingClient(typeof url === 'string' ? () => url : () => url.pickUrl(), options);
  }

  private constructor(
    readonly pickUrl: () => string,
    readonly options: ReconnectingClientOptions,
  ) {
    this.#lastEventId = options.lastEventId ?? '';
    this.#running = this.#run().catch((error: Error) => {
      this.failure = error;
      this.#giveUp(`the client broke (${error.message})`);
    });
  }

  /** All that was ever dispatched, in the order of arrival: the hub's own events too, but no positions. */
  get ledger(): readonly SseMessage[] {
    return this.#inbox.messages;
  }

  /** What of it the application published. */
  get events(): readonly SseMessage[] {
    return this.#inbox.events;
  }

  /** The own ids of these, to hold against the published ones. */
  get eventIds(): string[] {
    return this.#inbox.eventIds;
  }

  get lastEventId(): string {
    return this.stream.lastEventId;
  }

  /** When it is connected: at once if it is, else with the next stream that opens. Rejects when it has given up. */
  get opened(): Promise<void> {
    return this.#isOpen ? Promise.resolve() : this.#nextOpen.promise;
  }

  /** Waits for n messages in all (→ the messages) or for one that matches (→ that message). */
  waitFor(count: number, timeout?: number): Promise<SseMessage[]>;
  waitFor(predicate: (message: SseMessage) => boolean, timeout?: number): Promise<SseMessage>;
  waitFor(wanted: number | ((message: SseMessage) => boolean), timeout?: number): Promise<unknown> {
    return this.#inbox.waitForMessage(wanted, timeout);
  }

  /** Waits for n events of the application in all. */
  waitForEvents(count: number, timeout?: number): Promise<SseMessage[]> {
    return this.#inbox.waitForEvents(count, timeout);
  }

  /** Cuts the connection; resolves when the next one is open. */
  async drop(): Promise<void> {
    // While it is open, `#nextOpen` stands for the stream after this one.
    const reopened = this.#nextOpen.promise;
    await this.stream.close();
    await reopened;
  }

  /** Cuts the connection and stays away. */
  async stop(): Promise<void> {
    this.#giveUp('the client was stopped');
    await this.stream.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const stream = this.#connect();
      await stream.ended;
      this.#isOpen = false;
      this.#lastEventId = stream.lastEventId;
      this.#retry = stream.retry ?? this.#retry;

      const refused = stream.status !== undefined && !stream.isEventStream;
      if (refused && !this.options.persist) {
        this.failure = new Error(`${stream.url.href} answered ${stream.status} ${stream.body}`.trimEnd());
        this.#giveUp(`the client has given up (${this.failure.message})`);
      }
      const pause = Math.min(this.#retry, this.options.maxRetry ?? 50);
      await wait(pause, undefined, { signal: this.#stopping.signal }).catch(() => {});
    }
  }

  #connect(): SseStream {
    const stream = SseStream.open(this.pickUrl(), {
      headers: this.options.headers,
      lastEventId: this.#lastEventId,
      onBlock: (block) => {
        this.#inbox.take(block);
        this.options.onBlock?.(block);
      },
    });
    this.stream = stream;
    stream.opened.then(
      () => {
        this.connections++;
        this.#isOpen = true;
        this.#nextOpen.resolve();
        this.#nextOpen = deferred();
      },
      () => {}, // `ended` tells.
    );
    return stream;
  }

  #giveUp(reason: string): void {
    this.#stopping.abort();
    this.#nextOpen.reject(new Error(reason));
    this.#inbox.close(reason);
  }
}
