import type { AuthorizedClient } from '../options/channel-rules.interface.js';
import type { Outlet } from './outlet.js';

/** What the hub asks of the client of a request. `SseClient` is one. */
export interface ConnectingClient extends AuthorizedClient {
  /** Where it left off, from the `Last-Event-ID` header or the `lastEventId` query parameter. */
  readonly lastEventId: string | undefined;
  readonly userAgent: string | undefined;
  /** When what it has shown to be let in runs out; ms since the epoch, or a Date. */
  readonly expiresAt?: number | Date | undefined;
  /** Its response, to be written to once the headers are out. */
  openResponse(options: ResponseOptions): ResponseStream;
}

export interface ResponseOptions {
  /** How many bytes may wait for the client before it is full. */
  readonly bufferedBytes: number;
  /** ms after which a client that is full and takes nothing is closed. */
  readonly stallTimeout: number;
}

/** An open response, past its headers. */
export interface ResponseStream extends Outlet {
  /** Resolves to whether the response can be written to: false if the client has gone. */
  readonly opened: Promise<boolean>;
  /** Resolves when the response has ended, one way or another. */
  readonly closed: Promise<void>;
  /** It has been given up because the client took nothing for `stallTimeout`. */
  readonly stalled: boolean;
  /** Its socket is gone, whether or not anybody was told. */
  readonly gone: boolean;
  write(frame: Buffer): boolean;
  /** Ends it without waiting for the client to take what it was given. */
  destroy(): void;
  /** Called by `end()`: completes what Nest is waiting for, which ends the response. */
  onEnd: () => void;
}
