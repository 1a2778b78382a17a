/** One request for a stream. */
export interface StreamRequest {
  readonly url: string;
  /** With `Last-Event-ID`, except for `event-source`. */
  readonly headers: Headers;
  readonly lastEventId: string;
  readonly credentials: RequestCredentials | undefined;
  readonly fetch: typeof fetch | undefined;
  /** Event types for which somebody listens; `EventSource` gives out no others. */
  readonly types: ReadonlySet<string>;
}

/** An event as the parser gives it. */
export interface ParsedEvent {
  readonly type: string;
  readonly data: string;
  /** Undefined where the block has none. */
  readonly id: string | undefined;
  readonly channel: string | undefined;
  readonly isText?: boolean | undefined;
}

/** How a stream, or the attempt to get one, came to its end. */
export type StreamOutcome =
  /** The body ended in order. */
  | { readonly type: 'ended' }
  /** The connection could not be made, or broke. */
  | { readonly type: 'error'; readonly error: unknown }
  /** Any status but 200. `retryAfter` is in ms. */
  | { readonly type: 'status'; readonly status: number; readonly retryAfter: number }
  /** 200, but no event stream. */
  | { readonly type: 'content-type'; readonly contentType: string }
  /** The transport wants a new request, since the answer has become too large. */
  | { readonly type: 'full' };

/** Receives one stream. `onClose` is called once, last, and not after `close()`. */
export interface StreamHandlers {
  onOpen(): void;
  /** Bytes have arrived. */
  onActivity(): void;
  onEvent(event: ParsedEvent): void;
  onRetry(ms: number): void;
  onClose(outcome: StreamOutcome): void;
}

export interface OpenStream {
  /** Nothing is handed over after it. */
  close(): void;
  /** Somebody listens for events of this type from now on. */
  listen?(type: string): void;
}

export type Transport = (request: StreamRequest, handlers: StreamHandlers) => OpenStream;
