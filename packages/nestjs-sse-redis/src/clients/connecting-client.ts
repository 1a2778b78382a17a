import { HttpException } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { DISMISSED_ID } from '../event/position.js';
import type { AuthorizedClient } from '../channels/channel-rules.interface.js';
import { forbidStoring } from '../util/forbid-storing.js';

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

/** @throws HttpException 204, which ends an EventSource (WHATWG HTML 9.2.3), for a client that was disconnected for good */
export function checkDismissal({ lastEventId, response }: ConnectingClient): void {
  if (lastEventId !== DISMISSED_ID) return;
  forbidStoring(response);
  throw new HttpException('', 204);
}
