/** One request for a stream. */
export interface StreamRequest {
  readonly url: string;
  /** With `Last-Event-ID`. `event-source` cannot send them. */
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
  /** Of an event of a state channel, where the stream shows it. */
  readonly key?: string | undefined;
}

/** `full`: the transport wants a new request, since the answer has become too large. */
export type TransportEnd = 'ended' | 'error' | 'full';

/** Receives one stream. Calls after `close()` do nothing. */
export interface StreamHandlers {
  /** @returns whether the body is wanted; otherwise the stream has been closed */
  onHead(status: number, header: (name: string) => string | null): boolean;
  /** A part of the body. */
  onText(text: string): void;
  /** In the place of `onText`, where the transport itself parses. */
  onEvent(event: ParsedEvent): void;
  onEnd(type: TransportEnd, error?: unknown): void;
}

export interface OpenStream {
  close(): void;
  /** Somebody listens for events of this type from now on. */
  listen?(type: string): void;
}

export type Transport = (request: StreamRequest, handlers: StreamHandlers) => OpenStream;
