import type { ServerResponse } from 'node:http';
import type { AuthorizedClient } from '../options/channel-rules.interface.js';

/** The client of a request, as the hub needs it. `SseClient` is one. */
export interface ConnectingClient extends AuthorizedClient {
  /** Node's response, also on Fastify. */
  readonly response: ServerResponse;
  /** The position of the client, from the `Last-Event-ID` header or the `lastEventId` query parameter. */
  readonly lastEventId: string | undefined;
  readonly userAgent: string | undefined;
  /** The route of its request, as `GET /orders/:id`, for the log. */
  readonly route?: string | undefined;
  /** When the proof that let the client in runs out; ms since the epoch, or a Date. */
  readonly expiresAt?: number | Date | undefined;
}
