import { OutgoingMessage } from 'node:http';
import { Socket } from 'node:net';
import { Writable } from 'node:stream';

/** Node's own methods, kept when this file is loaded. A method that is replaced later differs from them. */
const ownMethods = {
  // oxlint-disable-next-line typescript/unbound-method -- compared, never called
  responseWrite: OutgoingMessage.prototype.write as unknown,
  // oxlint-disable-next-line typescript/unbound-method -- compared, never called
  streamWrite: Writable.prototype.write as unknown,
  // oxlint-disable-next-line typescript/unbound-method -- compared, never called
  socketWrite: Socket.prototype._write as unknown,
};

/** A wrapper that was there before this file has other parameters: Node's are the same since version 8. */
const isResponseWriteOwn =
  typeof ownMethods.responseWrite === 'function' &&
  Function.prototype.toString
    .call(ownMethods.responseWrite)
    .startsWith('function write(chunk, encoding, callback)');

/**
 * Whether this is the `write` that Node gives a response of HTTP/1.
 *
 * Tracing libraries replace `ServerResponse.prototype.write`, and middlewares the `write` of one response. Both are to see
 * each byte. `ServerResponse` inherits the method, so that a comparison with its own prototype would miss the former.
 */
export function isNodeResponseWrite(write: unknown): boolean {
  return isResponseWriteOwn && write === ownMethods.responseWrite;
}

/** Whether a socket has Node's own methods: it is a plain one, and nobody else wants to see its chunks. */
export function hasNodeSocketMethods(socket: Socket): boolean {
  return (
    Object.getPrototypeOf(socket) === Socket.prototype &&
    (socket.write as unknown) === ownMethods.streamWrite &&
    (socket._write as unknown) === ownMethods.socketWrite
  );
}
