import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ConnectingClient } from '../clients/connecting-client.js';
import { getLastEventId, prefersStatus } from './request-headers.js';
import { getRoute } from './route-of-request.js';

/** A request as both adapters give it: Express' own, or Fastify's around Node's (`raw`). */
export interface AdapterRequest {
  readonly raw?: IncomingMessage;
  readonly ip?: string;
  readonly params?: Record<string, string>;
  readonly query?: Record<string, unknown>;
}

/** The client of a request. Handlers get it from `@SseClient()`. */
export class RequestClient implements ConnectingClient {
  /**
   * When what let it in runs out, in ms since the epoch or as a Date: its stream is ended then. For a guard or a
   * handler to set; `hub.connect(…, { expiresAt })` takes precedence.
   */
  expiresAt: number | Date | undefined;

  constructor(
    /** The adapter's request object. */
    readonly request: AdapterRequest,
    /** Node's response, also on Fastify. */
    readonly response: ServerResponse,
    /** The id of the user, as the `identify` option tells it. */
    readonly user: string | undefined,
  ) {}

  /** Node's request, also on Fastify. */
  get rawRequest(): IncomingMessage {
    return this.request.raw ?? (this.request as unknown as IncomingMessage);
  }

  /**
   * Where the client left off. The header takes precedence over the query parameter: a browser sends it when it reconnects
   * by itself, and the parameter is in the URL from the first connection on.
   */
  get lastEventId(): string | undefined {
    return getLastEventId(this.rawRequest);
  }

  /** The address of the client, as the adapter tells it (behind a proxy: configure the adapter to trust it). */
  get address(): string | undefined {
    return this.request.ip ?? this.rawRequest.socket.remoteAddress;
  }

  /** The `User-Agent` header. */
  get userAgent(): string | undefined {
    return this.rawRequest.headers['user-agent'];
  }

  /** The route that it asked for, as `GET /orders/:id`; undefined if the adapter does not tell. */
  get route(): string | undefined {
    return getRoute(this.request);
  }

  /**
   * Whether it would rather have a status (429, 503) than an event that tells why it is refused: clients that are no
   * `EventSource` may say so by `Prefer: status` (the header of RFC 7240).
   */
  get prefersStatus(): boolean {
    return prefersStatus(this.rawRequest);
  }
}
