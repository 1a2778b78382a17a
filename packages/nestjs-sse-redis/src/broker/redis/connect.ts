import type { Redis } from 'ioredis';
import { RedisUnavailableError } from '../../errors/redis-unavailable.error.js';

/**
 * Connects, trying again until the time is up: where all is started at once, Redis may come a little later.
 *
 * @param timeout ms
 * @throws RedisUnavailableError naming the address and what happened last
 */
export async function connectWithin(
  timeout: number,
  address: string,
  connections: readonly Redis[],
): Promise<void> {
  let lastError: Error | undefined;
  const remember = (error: Error) => (lastError = error);
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(
        new RedisUnavailableError(
          `Redis at ${address} could not be reached within ${timeout} ms (${lastError?.message ?? 'no answer'}). ` +
            'Is it running, and is the `redis` option right? Without that option the embedded broker serves one process.',
          { cause: lastError },
        ),
      );
    }, timeout);
  });
  const ready = connections.map(
    (connection) =>
      new Promise<void>((resolve) => {
        connection.on('error', remember);
        connection.once('ready', resolve);
        // It rejects at the first failure, though ioredis goes on trying: `ready` tells.
        connection.connect().catch(remember);
      }),
  );
  try {
    await Promise.race([Promise.all(ready), timeUp]);
  } finally {
    clearTimeout(timer);
    for (const connection of connections) connection.off('error', remember);
  }
}
