import type { AbstractHttpAdapter } from '@nestjs/core';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { isEventSource } from '../http/request-headers.js';

/** A request of HTTP/2, which shares its connection. */
interface Http2Request extends IncomingMessage {
  readonly stream?: { readonly session?: { close(): void } | undefined };
}

/**
 * From now on ends the connection of an EventSource behind its answer.
 *
 * A process that shuts down sends an EventSource away. The client may have kept a connection, or have opened one ahead as
 * Chromium does. Over it the client comes back to this process instead of another, again and again. The server then never
 * closes: `server.close()` ends the connections that are idle at that moment, and waits for all others (Node's
 * documentation of `http.Server`). A header cannot say it: Nest writes `Connection: keep-alive` over any other value.
 *
 * To be called when the hub begins to hand its clients over.
 */
export function endConnectionsOfEventSources(adapter: Partial<AbstractHttpAdapter> | undefined): void {
  const server = adapter?.getHttpServer?.() as Server | undefined;
  server?.prependListener?.('request', (request: IncomingMessage, response: ServerResponse) => {
    if (!isEventSource(request)) return;
    if (request.httpVersionMajor > 1) return closeSession(request);
    const { socket } = request;
    response.once('finish', () => socket.destroySoon());
  });
}

/**
 * Takes no more requests over a connection of HTTP/2 (GOAWAY, RFC 9113 6.8). Those that are under way end by themselves, and for the
 * next one the client makes a new connection.
 */
export function closeSession(request: IncomingMessage): void {
  (request as Http2Request).stream?.session?.close();
}
