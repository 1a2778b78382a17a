import type { Redis } from 'ioredis';
import { RedisUnavailableError } from '../../errors/redis-unavailable.error.js';
import { withinTime } from '../../util/within-time.js';

/**
 * Connects, trying again until the time is up, or a connection is closed: where all is started at once, Redis may come a little later.
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
  const ready = connections.map(
    (connection) =>
      new Promise<void>((resolve) => {
        connection.on('error', remember);
        connection.once('ready', resolve);
        // It rejects at the first failure, though ioredis goes on trying: `ready` tells.
        connection.connect().catch(remember);
      }),
  );
  // ioredis emits it where `disconnect` was called: it tries no more.
  const ended = connections.map(
    (connection) => new Promise<undefined>((resolve) => connection.once('end', () => resolve(undefined))),
  );
  try {
    if (await withinTime(Promise.race([Promise.all(ready), ...ended]), timeout)) return;
  } finally {
    for (const connection of connections) connection.off('error', remember);
  }
  throw new RedisUnavailableError(describe(timeout, address, lastError?.message ?? 'no answer'), {
    cause: lastError,
  });
}

/** ioredis goes on trying, as credentials may be rotated and data be loaded; here the time is up. */
function describe(timeout: number, address: string, reason: string): string {
  if (/^(NOAUTH|WRONGPASS)\b/.test(reason))
    return `Redis at ${address} refused the login for ${timeout} ms (${reason}). Are user and password in the \`redis\` option right?`;
  if (/^LOADING\b/.test(reason))
    return `Redis at ${address} was not ready within ${timeout} ms (${reason}). Start again when it has loaded its data, or raise connectTimeout.`;
  if (/cluster support disabled/.test(reason))
    return `Redis at ${address} is no Redis Cluster (${reason}). Name it as one Redis in the \`redis\` option: redis://…`;
  return `Redis at ${address} could not be reached within ${timeout} ms (${reason}). Is it running, and is the \`redis\` option right? Without that option the embedded broker serves one process.`;
}
