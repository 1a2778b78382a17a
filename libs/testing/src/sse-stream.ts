import { Agent, get, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { deferred } from './deferred.js';
import { Inbox } from './inbox.js';
import { Recording } from './recording.js';
import { SseParser, type SseBlock, type SseMessage } from './sse-parser.js';

/** `end`: the server finished the response; `error`: the connection broke or never came up; `closed`: `close()`. */
export type StreamEnd = 'end' | 'error' | 'closed';

export interface SseStreamOptions {
  lastEventId?: string;
  headers?: Record<string, string>;
  onBlock?(block: SseBlock): void;
}

/** One event stream over one connection of its own, with everything that came over it. It never reconnects. */
export class SseStream {
  /** When the response has begun as an event stream; rejects if it begins as anything else or not at all. */
  readonly opened: Promise<void>;
  readonly ended: Promise<StreamEnd>;

  readonly comments: string[] = [];
  status: number | undefined;
  headers: IncomingHttpHeaders = {};
  /** What the server said instead of an event stream. */
  body = '';
  /** Why `ended` is `error`. */
  error: Error | undefined;

  readonly #opened = deferred();
  readonly #ended = deferred<StreamEnd>();
  readonly #inbox = new Inbox();
  readonly #blocks = new Recording<SseBlock>('block');
  readonly #parser: SseParser;
  // A connection for itself, kept alive as a browser does: it must not queue behind other streams.
  readonly #agent = new Agent({ keepAlive: true });
  #response: IncomingMessage | undefined;
  #paused = false;
  #over = false;

  static open(url: string | URL, options: SseStreamOptions = {}): SseStream {
    return new SseStream(new URL(url), options);
  }

  private constructor(
    readonly url: URL,
    options: SseStreamOptions,
  ) {
    this.opened = this.#opened.promise;
    this.ended = this.#ended.promise;
    this.#parser = new SseParser({
      lastEventId: options.lastEventId,
      onComment: (text) => this.comments.push(text),
      onBlock: (block) => {
        this.#blocks.push(block);
        this.#inbox.take(block);
        options.onBlock?.(block);
      },
    });
    get(url, { agent: this.#agent, headers: requestHeaders(options) })
      .on('response', (response) => this.#read(response))
      .on('error', (error) => this.#finish('error', error));
  }

  /** All that was dispatched, the hub's own events included, but no positions. */
  get messages(): readonly SseMessage[] {
    return this.#inbox.messages;
  }

  /** What the application published. */
  get events(): readonly SseMessage[] {
    return this.#inbox.events;
  }

  /** The own ids of these, to hold against the published ones. */
  get eventIds(): string[] {
    return this.#inbox.eventIds;
  }

  get blocks(): readonly SseBlock[] {
    return this.#blocks.items;
  }

  get lastEventId(): string {
    return this.#parser.lastEventId;
  }

  get retry(): number | undefined {
    return this.#parser.retry;
  }

  /** False for anything that an EventSource takes for a fatal answer: another status, another content type. */
  get isEventStream(): boolean {
    return this.status === 200 && /^text\/event-stream\b/i.test(this.headers['content-type'] ?? '');
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

  /** The same for blocks, which include the ones that dispatch nothing. */
  waitForBlock(predicate: (block: SseBlock) => boolean, timeout?: number): Promise<SseBlock> {
    return this.#blocks.waitFor(predicate, timeout);
  }

  /** Stops reading: what arrives stays in the socket's buffers (about 16 KB in this process, the rest in the kernel). */
  pause(): void {
    this.#paused = true;
    this.#response?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#response?.resume();
  }

  /** Drops the connection, as a closed tab does. */
  close(): Promise<StreamEnd> {
    this.#finish('closed');
    return this.ended;
  }

  #read(response: IncomingMessage): void {
    this.#response = response;
    this.status = response.statusCode;
    this.headers = response.headers;
    response.on('end', () => this.#finish('end'));
    response.on('error', (error) => this.#finish('error', error));

    if (this.isEventStream) {
      response.on('data', (chunk: Buffer) => {
        if (!this.#over) this.#parser.push(chunk);
      });
      // Only after 'data', which sets the response flowing.
      if (this.#paused) response.pause();
      this.#opened.resolve();
    } else {
      response.setEncoding('utf8');
      response.on('data', (text: string) => (this.body += text));
    }
  }

  #finish(how: StreamEnd, error?: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.error = error;
    this.#agent.destroy(); // The connection with it, whether it waits, answers or idles.

    const refused = this.status !== undefined && !this.isEventStream;
    const answer = refused ? `, answer ${this.status} ${this.body}`.trimEnd() : '';
    const reason = `the stream is over (${how}${error ? `: ${error.message}` : ''}${answer})`;
    // Settles nothing if it has opened; otherwise it never will.
    this.#opened.reject(new Error(`${this.url.href} did not open: ${reason}`, { cause: error }));
    this.#inbox.close(reason);
    this.#blocks.close(reason);
    this.#ended.resolve(how);
  }
}

function requestHeaders({ lastEventId, headers }: SseStreamOptions): Record<string, string> {
  return {
    accept: 'text/event-stream',
    'cache-control': 'no-cache',
    // Node writes header values as latin1, the standard wants UTF-8.
    ...(lastEventId && { 'last-event-id': Buffer.from(lastEventId).toString('latin1') }),
    ...headers,
  };
}
