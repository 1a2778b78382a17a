import type { AbstractHttpAdapter } from '@nestjs/core';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { isEventSource } from '../http/request-headers.js';
import { endConnection } from '../response/end-connection.js';

/**
 * From now on ends the connection of an EventSource behind its answer.
 *
 * A process that shuts down sends an EventSource away. The client may have kept a connection, or have opened one ahead as
 * Chromium does. Over it the client comes back to this process instead of another, again and again. The server then never
 * closes: `server.close()` ends the connections that are idle at that moment, and waits for all others (Node's
 * documentation of `http.Server`).
 *
 * The hub does the same for each stream that it is asked for meanwhile, whatever its client accepts, and over servers that the
 * application has made by itself. Here it is done for what guards and others answer.
 *
 * To be called when the hub begins to hand its clients over.
 */
export function endConnectionsOfEventSources(adapter: Partial<AbstractHttpAdapter> | undefined): void {
  const server = adapter?.getHttpServer?.() as Server | undefined;
  server?.prependListener?.('request', (request: IncomingMessage, response: ServerResponse) => {
    if (isEventSource(request)) endConnection(request, response);
  });
}
