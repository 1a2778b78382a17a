import type { Backoff } from './backoff.js';
import { createBlockParser } from './block-parser.js';
import type { ChangeNotice, ControlNotice } from './connection-listener.js';
import { CONTROL, DISMISSED_ID, POSITION, readControl, readObject, readRefusal } from './hub-events.js';
import { readRetryAfter } from './retry-after.js';
import type { StreamEvent } from './stream-event.js';
import type { OpenStream, ParsedEvent, StreamRequest, Transport } from './transport/transport.js';
import type { AttemptResult } from './verdict.js';
import type { Watchdog } from './watchdog.js';

/** What an attempt asks of its connection. */
export interface AttemptOwner {
  readonly watchdog: Watchdog;
  readonly backoff: Backoff;
  lastEventId: string;
  onOpen(): void;
  /** The server has let the client in, which each event shows. */
  onAccepted(): void;
  onControl(control: ControlNotice): void;
  onChange(notice: ChangeNotice): void;
  onEvent(event: StreamEvent): void;
  /** A block has been handed over whole. */
  readonly onWhole: (() => void) | undefined;
  onFinished(result: AttemptResult): void;
}

/** One request, and the stream that answers it. */
export class StreamAttempt {
  private stream: OpenStream | undefined;
  private closed = false;
  /** The code of an `error` event that no other event has followed. */
  private refusal: string | undefined;

  constructor(private readonly owner: AttemptOwner) {}

  /** @param toRequest may wait for a token. @param load may wait for a script */
  async begin(toRequest: () => Promise<StreamRequest>, load: () => Promise<Transport>): Promise<void> {
    let request: StreamRequest;
    try {
      request = await toRequest();
    } catch (error) {
      this.finish({ type: 'token', error });
      return;
    }
    try {
      const transport = await load();
      if (!this.closed) this.stream = this.open(transport, request);
    } catch (error) {
      // Such as a URL that is none, for EventSource and XMLHttpRequest; or the script of the transport.
      this.finish({ type: 'error', error, refusal: undefined });
    }
  }

  listen(type: string): void {
    this.stream?.listen?.(type);
  }

  /** Nothing is handed over after it. */
  close(): void {
    this.closed = true;
    this.stream?.close();
  }

  private open(transport: Transport, request: StreamRequest): OpenStream {
    const { owner } = this;
    const onEvent = (event: ParsedEvent) => {
      if (this.closed) return;
      this.receive(event);
      // Firefox ends the script of a tab that is closed in here, say, and runs microtasks and messages of the page all the same.
      owner.onWhole?.();
    };
    const feed = createBlockParser(onEvent, (ms) => this.closed || owner.backoff.setRetry(ms));
    return transport(request, {
      onHead: (status, header) => this.closed || this.readHead(status, header),
      onText: (text) => {
        if (this.closed) return;
        owner.watchdog.touch();
        feed(text);
      },
      onEvent: (event) => {
        if (this.closed) return;
        owner.watchdog.touch();
        onEvent(event);
      },
      onEnd: (type, error) => this.finish({ type, error, refusal: this.refusal }),
    });
  }

  private readHead(status: number, header: (name: string) => string | null): boolean {
    // Parameters of the type do not count (WHATWG HTML 9.2.3).
    const [contentType] = (header('content-type') ?? '').split(';', 1);
    if (status !== 200)
      this.finish({ type: 'status', status, retryAfter: readRetryAfter(header('retry-after')) });
    else if (contentType!.trim().toLowerCase() !== 'text/event-stream') this.finish({ type: 'content-type' });
    else this.owner.onOpen();
    return !this.closed;
  }

  private finish(result: AttemptResult): void {
    if (this.closed) return;
    this.close();
    this.owner.onFinished(result);
  }

  private receive(event: ParsedEvent): void {
    const { owner } = this;
    const { type, data, id } = event;
    const isFinal = type === 'end' && id === DISMISSED_ID;
    // Before it is handed over: a listener that throws does not get it again.
    if (id !== undefined && id !== DISMISSED_ID) owner.lastEventId = id;
    if (type !== 'error' && !isFinal) owner.onAccepted();
    if (type === POSITION) {
      const notice = readObject(data);
      if (notice) owner.onChange(notice as unknown as ChangeNotice);
      return;
    }
    if (type === CONTROL) {
      const control = readControl(data);
      if (control) owner.onControl(control);
      return;
    }
    const { refusal } = this;
    this.refusal = readRefusal(event);
    const reason = isFinal ? String(readObject(data)?.['reason']) : undefined;
    // A filter's refusal is the connection's matter, and a fresh token may lift it.
    if (refusal === undefined || refusal !== reason) owner.onEvent({ ...event, id: owner.lastEventId });
    if (isFinal) this.finish({ type: 'dismissed', refusal, reason: reason! });
  }
}
