import type { Socket } from 'node:net';
import { hasNodeSocketMethods } from './node-methods.js';

/** Has given the kernel a chunk that it has not taken yet. */
export interface Writer {
  /** It has. */
  taken(): void;
}

/**
 * Whether a socket's chunks may go to the kernel past its queue: it is a plain one, and nobody else wants to see them.
 *
 * A TLS socket seldom takes a chunk at once, so that nothing would be gained.
 */
export function canWriteDirectly(socket: Socket): boolean {
  return hasNodeSocketMethods(socket);
}

/** Bytes of a chunk. Longer ones go into the queue, so that the socket's own count (`writableLength`) is never short by more than this. */
export const LONGEST_DIRECT = 16_384;

/**
 * Whether nothing would be overtaken: nothing is in the queue, and nothing comes into it at the end of the tick. Since Node 26 a
 * response keeps what was written in the tick to itself until then (`OutgoingMessage.uncork`), and the socket is corked meanwhile.
 */
export function isIdle(socket: Socket): boolean {
  return socket.writableLength === 0 && socket.writableCorked === 0;
}

/** Whether a chunk may go there now. */
export function mayWriteDirectly(socket: Socket, chunk: Buffer): boolean {
  return isIdle(socket) && chunk.length <= LONGEST_DIRECT;
}

/**
 * Gives a chunk to the kernel, as `socket.write` does, but not as a part of the socket's queue.
 *
 * `Writable.write` counts the chunk. In Node 20 it also has a tick for each socket, which finds that the chunk is written
 * and looks at the socket once more. With a thousand of them that is after the processor's cache has lost it. Nearly always the
 * kernel takes a chunk at once, and `_write` (Node documentation, "Implementing a writable stream") says so before it
 * returns: then there is nothing to count. It is for `Writable` to call, who relies on one call at a time: a socket whose
 * chunk waits is corked until the kernel has taken it. The methods that end the socket uncork it (`socket.end`, `response.end`), and libuv
 * writes in the order of the calls.
 *
 * @returns whether it is done: the kernel has taken it, or the connection was lost. If not, `writer.taken()` is called when
 * the kernel has. Until then what follows belongs into the socket's queue
 */
export function writeDirectly(socket: Socket, chunk: Buffer, writer: Writer): boolean {
  const { call } = DirectWrite;
  call.isDone = false;
  call.error = undefined;
  // That is what Node has for the encoding of bytes; its types know only those of strings.
  socket._write(chunk, 'buffer' as BufferEncoding, call.callback);
  if (call.isDone) {
    const { error } = call as { error: Error | null | undefined };
    if (error) socket.destroy(error);
    return true;
  }
  // One write at a time: of several under way, Node's timeout would not see that the client takes some of them.
  socket.cork();
  // The callback is its own now.
  call.waits(socket, writer);
  DirectWrite.call = new DirectWrite();
  return false;
}

/** One call of `_write`: the same for all whose chunk the kernel takes at once, so that none needs a callback of its own. */
class DirectWrite {
  static call = new DirectWrite();
  isDone = false;
  error: Error | null | undefined = undefined;
  private socket: Socket | undefined = undefined;
  private writer: Writer | undefined = undefined;

  readonly callback = (error?: Error | null): void => {
    if (this.writer === undefined) {
      this.isDone = true;
      this.error = error;
      return;
    }
    const { socket } = this;
    // As `Writable` does; it then tells the listeners of 'error'.
    if (error) socket?.destroy(error);
    else if (!socket?.destroyed) {
      socket?.uncork();
      this.writer.taken();
    }
  };

  waits(socket: Socket, writer: Writer): void {
    this.socket = socket;
    this.writer = writer;
  }
}
