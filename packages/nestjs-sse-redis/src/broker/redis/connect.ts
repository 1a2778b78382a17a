import type { Redis } from 'ioredis';
import { RedisUnavailableError } from '../../errors/redis-unavailable.error.js';
import { withinTime } from '../../util/within-time.js';
import { toCause } from './greeting.js';

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
  const forget: (() => void)[] = [];
  const ready = connections.map(
    (connection) =>
      new Promise<void>((resolve) => {
        const remember = (error: Error) => (lastError = toCause(connection, error));
        forget.push(() => connection.off('error', remember));
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
    for (const off of forget) off();
  }
  const reason = lastError?.message ?? 'no answer';
  const isTls = connections.some(({ options }) => Boolean(options.tls));
  throw new RedisUnavailableError(describe(timeout, address, reason, isTls), { cause: lastError });
}

/** ioredis goes on trying, as credentials may be rotated and data be loaded; here the time is up. */
function describe(timeout: number, address: string, reason: string, isTls: boolean): string {
  if (/^(NOAUTH|WRONGPASS)\b/.test(reason))
    return `Redis at ${address} refused the login for ${timeout} ms (${reason}). Are user and password in the \`redis\` option right?`;
  if (/^LOADING\b/.test(reason))
    return `Redis at ${address} was not ready within ${timeout} ms (${reason}). Start again when it has loaded its data, or raise connectTimeout.`;
  if (reason.startsWith('ERR max number of clients'))
    return `Redis at ${address} took no more connections for ${timeout} ms (${reason}). A process takes two of them, and with shards two for each: raise maxclients, or the plan of a managed Redis.`;
  if (/^DENIED\b/.test(reason))
    return `Redis at ${address} takes no connections from other machines (${reason}). Give it a password, and the \`redis\` option the same.`;
  if (/cluster support disabled/.test(reason))
    return `Redis at ${address} is no Redis Cluster (${reason}). Name it as one Redis in the \`redis\` option: redis://…`;
  return `Redis at ${address} could not be reached within ${timeout} ms (${reason}). Is it running, and is the \`redis\` option right?${toTlsHint(reason, isTls)} Without that option the embedded broker serves one process.`;
}

/** A server that speaks the other of the two closes the connection, or waits for the end of a line. */
function toTlsHint(reason: string, isTls: boolean): string {
  if (!/ECONNRESET|EPIPE|ETIMEDOUT|no answer|closed|SSL|Protocol error/i.test(reason)) return '';
  if (isTls) return ' A server that speaks no TLS takes redis:// in place of rediss://.';
  return ' A server that takes TLS alone, as many hosted ones do, needs rediss://.';
}
