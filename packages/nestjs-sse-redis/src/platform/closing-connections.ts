import type { AbstractHttpAdapter } from '@nestjs/core';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { isEventSource } from '../http/request-headers.js';

/**
 * From now on ends the connection of an EventSource behind its answer.
 *
 * A process that shuts down sends an EventSource away. Over a connection that the client has kept, or has opened ahead as
 * Chromium does, the client comes back to this process instead of another, again and again. The server then never
 * closes: `server.close()` ends the connections that are idle at that moment, and waits for all others (Node's
 * documentation of `http.Server`). A header cannot say it: Nest writes `Connection: keep-alive` over any other value.
 *
 * To be called when the hub begins to hand its clients over. HTTP/2 has no connection of a request's own.
 */
export function endConnectionsOfEventSources(adapter: Partial<AbstractHttpAdapter> | undefined): void {
  const server = adapter?.getHttpServer?.() as Server | undefined;
  server?.prependListener?.('request', (request: IncomingMessage, response: ServerResponse) => {
    if (request.httpVersionMajor > 1 || !isEventSource(request)) return;
    const { socket } = request;
    response.once('finish', () => socket.destroySoon());
  });
}
