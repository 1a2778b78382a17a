import type { MessageEvent } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { AuthorizedClient } from '../options/channel-rules.interface.js';
import type { Outlet } from './outlet.js';

/** What the hub asks of the client of a request. `SseClient` is one. */
export interface ConnectingClient extends AuthorizedClient {
  /** Where it left off, from the `Last-Event-ID` header or the `lastEventId` query parameter. */
  readonly lastEventId: string | undefined;
  readonly userAgent: string | undefined;
  /** The route of its request, as `GET /orders/:id`, for the log. */
  readonly route?: string | undefined;
  /** When what it has shown to be let in runs out; ms since the epoch, or a Date. */
  readonly expiresAt?: number | Date | undefined;
  /**
   * What stands for the stream of its response to Nest.
   *
   * @param serve called with the response when Nest subscribes, once
   * @throws AlreadyConnectedError if the response has a stream already
   */
  observe(options: ResponseOptions, serve: (response: ResponseStream) => void): Observable<MessageEvent>;
}

export interface ResponseOptions {
  /** How many bytes may wait for the client before it is full. */
  readonly bufferedBytes: number;
  /** ms after which a client that is full and takes nothing is closed. */
  readonly stallTimeout: number;
}

/** A stream, as its response knows it. */
export interface ResponseListener {
  /** The id that its client was told in place of a position, so that it does not come back. */
  readonly finalId: string | undefined;
  /** An operator, an interceptor or a handler ends the response, while the client is there. */
  interrupted(): void;
  /** The outlet was ended. */
  ended(): void;
  /** The response has closed, one way or another. */
  left(): void;
}

/** A response, to be written to once its headers are out. */
export interface ResponseStream extends Outlet {
  /** Set by the stream. */
  stream: ResponseListener | undefined;
  /** Resolves, once the headers are out, to whether the response can be written to: false if the client has gone. */
  opened(): Promise<boolean>;
  /** Resolves when the response has closed, one way or another. */
  closed(): Promise<void>;
  /** It has been given up because the client took nothing for `stallTimeout`. */
  readonly stalled: boolean;
  /** It was given an event. */
  readonly hasEvents: boolean;
  /** Its socket is gone, whether or not anybody was told. */
  readonly gone: boolean;
  write(frame: Buffer): boolean;
  /** Ends it without waiting for the client to take what it was given. */
  destroy(): void;
}
