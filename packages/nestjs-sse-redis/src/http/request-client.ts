import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MessageEvent } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { ConnectingClient, ResponseOptions, ResponseStream } from '../hub/connecting-client.js';
import { NestStream } from './nest-stream.js';
import { ResponseGuard } from './response-guard.js';
import { ResponseOutlet } from './response-outlet.js';
import { getRoute } from './route-of-request.js';

/** A request as both adapters give it: Express' own, or Fastify's around Node's (`raw`). */
export interface AdapterRequest {
  readonly raw?: IncomingMessage;
  readonly ip?: string;
  readonly params?: Record<string, string>;
  readonly query?: Record<string, unknown>;
}

/** Who is connecting, and with what request. Handlers get it from `@SseClient()`. */
export class RequestClient implements ConnectingClient {
  /**
   * When what let it in runs out, in ms since the epoch or as a Date: its stream is ended then. For a guard or a
   * handler to set; `hub.connect(…, { expiresAt })` goes before it.
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
   * Where the client left off. The header, which a browser sends when it reconnects by itself, goes before the query
   * parameter, which is in the URL from the first connection on.
   */
  get lastEventId(): string | undefined {
    return lastEventIdOf(this.rawRequest);
  }

  /** The address of the client, as the adapter tells it (behind a proxy: configure the adapter to trust it). */
  get address(): string | undefined {
    return this.request.ip ?? this.rawRequest.socket.remoteAddress;
  }

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

  observe(options: ResponseOptions, serve: (response: ResponseStream) => void): Observable<MessageEvent> {
    const { response } = this;
    const guard = ResponseGuard.install(response, this);
    return new NestStream(response, (stream) => {
      const outlet = new ResponseOutlet(response, stream, guard, options);
      serve(outlet);
      return () => outlet.interrupt();
    });
  }
}

/** The last event id of a request as Node has it. */
export function lastEventIdOf({ headers, url }: IncomingMessage): string | undefined {
  const header = headers['last-event-id'];
  // Node reads headers as Latin-1; clients write this one in UTF-8 (WHATWG HTML 9.2.2).
  if (typeof header === 'string' && header !== '') return Buffer.from(header, 'latin1').toString();
  const query = url?.indexOf('?') ?? -1;
  // Not a URL: a request may ask for `//`, which is none.
  return query < 0 ? undefined : new URLSearchParams(url!.slice(query)).get('lastEventId') || undefined;
}

/** The same of a request as Node has it. */
export function prefersStatus({ headers }: IncomingMessage): boolean {
  return /(^|[,;\s])status($|[,;\s])/i.test(String(headers['prefer'] ?? ''));
}
