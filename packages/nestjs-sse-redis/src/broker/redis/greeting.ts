import type { Redis } from 'ioredis';
import type { Duplex } from 'node:stream';

/** What a server says to a connection that it closes at once: its connections are all taken, or it is in protected mode. */
const REFUSAL = /^-((?:ERR max number of clients|DENIED)\b[^\r\n]*)/;

/** Of connections that were refused so, and have not been ready since. */
const refusals = new WeakMap<Redis, Error>();

/**
 * Fails a connection with the words of a server that does not take it. ioredis (5 and 6) drops an answer to nothing, and says
 * `write EPIPE`, or nothing.
 */
export function hearGreeting(redis: Redis): void {
  redis.on('connect', () => {
    const { stream } = redis as unknown as { stream: Duplex };
    stream.once('data', (chunk: Buffer) => {
      const words = REFUSAL.exec(chunk.toString('latin1'))?.[1];
      if (words === undefined) return;
      // The advice that follows in protected mode is long, and for whoever set the server up.
      const refusal = new Error(words.split('. ')[0]);
      refusals.set(redis, refusal);
      stream.destroy(refusal);
    });
  });
  redis.on('ready', () => refusals.delete(redis));
}

/** Why a connection failed. What the server said last says more than how the socket ended, which may come before its words. */
export function toCause(redis: Redis, error: Error): Error {
  const isOfSocket = ['EPIPE', 'ECONNRESET'].includes(String((error as NodeJS.ErrnoException).code));
  return (isOfSocket && refusals.get(redis)) || error;
}
