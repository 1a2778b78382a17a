import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A request of HTTP/2, which shares its connection. */
interface Http2Request extends IncomingMessage {
  readonly stream?: { readonly session?: { close(): void } | undefined };
}

/** Ends the connection of a response behind it, so that the next request of its client reaches another process. */
export function endConnection(request: IncomingMessage, response: ServerResponse): void {
  if (request.httpVersionMajor > 1) return closeSession(request);
  // That of a request without a connection, as of Fastify's `inject()`, is less than a socket.
  const socket: Partial<Socket> = request.socket;
  response.once('finish', () => socket.destroySoon?.());
}

/**
 * Takes no more requests over a connection of HTTP/2 (GOAWAY, RFC 9113 6.8). Those that are under way end by themselves, and for the
 * next one the client makes a new connection.
 */
export function closeSession(request: IncomingMessage): void {
  (request as Http2Request).stream?.session?.close();
}
