import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { hasPlainWrite } from './response-guard.js';

/** Of `OutgoingMessage`, and not in its documentation. */
interface Undocumented {
  /** Whether the body goes out in chunks. */
  readonly chunkedEncoding?: boolean;
  /** Bytes that wait in the response for its socket: headers, or everything while an earlier request is answered. */
  readonly outputSize?: number;
}

/**
 * The socket of a response, if a finished chunk may be written to it past the response; nothing otherwise, also in a
 * Node that no longer has what is looked at here.
 *
 * `res.write` makes its chunk in three writes, corked, with a callback and a tick: 20 µs, where one `socket.write`
 * takes 13, 10 of which are the system call. Everything that `res.write` would have done must therefore be nothing:
 *
 * - wrapped by a middleware (compression, tracing), it is to see the bytes; so is that of HTTP/2, whose responses are
 *   no `ServerResponse`, and whose `socket` must not be written to (ERR_HTTP2_NO_SOCKET_MANIPULATION);
 * - HTTP/1.0 has no chunks: `chunkedEncoding` is false;
 * - where requests are pipelined, a response has no socket before its turn has come (`assignSocket`);
 * - what the response holds back itself (`outputSize`, `cork()`) goes before.
 *
 * A TLS socket is as good: what is written to it is encrypted in order.
 */
export function getDirectSocket(response: ServerResponse): Socket | undefined {
  if (!hasPlainWrite(response)) return undefined;
  const { chunkedEncoding, outputSize } = response as Undocumented;
  if (chunkedEncoding !== true || outputSize !== 0 || response.writableCorked !== 0) return undefined;
  const { socket } = response;
  return socket?.writable ? socket : undefined;
}
