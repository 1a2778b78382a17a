import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A request of HTTP/2, which shares its connection. */
interface Http2Request extends IncomingMessage {
  readonly stream?: { readonly session?: { close(): void } | undefined };
}

/** Ends the connection of a response behind it, so that the next request of its client reaches another process. */
export function endConnection(request: IncomingMessage, response: ServerResponse): void {
  if (request.httpVersionMajor > 1) return closeSession(request);
  // A proxy that is told nothing may send another request over it in that moment, which is lost.
  if (!response.headersSent) response.setHeader('Connection', 'close');
  // For a head that was out already. That of a request without a connection, as of Fastify's `inject()`, is less than a socket.
  const socket: Partial<Socket> = request.socket;
  response.once('finish', () => socket.destroySoon?.());
}

/** The arguments of `writeHead` for a response that is to have `Connection: close`, over which Nest would write `keep-alive`. */
export function keepClose(response: ServerResponse, args: unknown[]): unknown[] {
  const head = args.at(-1);
  if (typeof head !== 'object' || head === null || Array.isArray(head)) return args;
  if (String(response.getHeader('connection')).toLowerCase() !== 'close') return args;
  const fields = Object.entries(head).filter(([name]) => name.toLowerCase() !== 'connection');
  return [...args.slice(0, -1), Object.fromEntries(fields)];
}

/**
 * Takes no more requests over a connection of HTTP/2 (GOAWAY, RFC 9113 6.8). Those that are under way end by themselves, and for the
 * next one the client makes a new connection.
 */
export function closeSession(request: IncomingMessage): void {
  (request as Http2Request).stream?.session?.close();
}
