import type { Redis, RedisOptions } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import { RedisCredentialsError } from '../../errors/redis-credentials.error.js';
import type {
  RedisCredentials,
  RedisCredentialsFunction,
} from '../../options/redis-credentials.interface.js';
import { withinTime } from '../../util/within-time.js';
import { toRefusalCode } from './refusals.js';

/**
 * Asks for user and password before each connection, the first one included.
 *
 * ioredis (5 and 6) reads `options.username` and `options.password` in `connect()`, which it calls for each reconnect as
 * well. It gives up for good where that rejects. So a failing provider is asked again until the connection is closed.
 *
 * @param timeout ms that the provider may take
 * @param retryDelay ms before the provider is asked again, by the number of failures
 */
export function askBeforeConnecting(
  redis: Redis,
  provider: RedisCredentialsFunction,
  timeout: number,
  retryDelay: (failures: number) => number,
): void {
  const connect = redis.connect.bind(redis);
  const disconnect = redis.disconnect.bind(redis);
  let isClosed = false;
  redis.disconnect = (reconnect = false) => {
    if (!reconnect) isClosed = true;
    disconnect(reconnect);
  };
  redis.connect = async () => {
    for (let failures = 1; !isClosed; failures++) {
      try {
        const { username, password } = await ask(provider, timeout);
        Object.assign(redis.options, { username, password });
        break;
      } catch (error) {
        if (redis.listenerCount('error') > 0) redis.emit('error', error);
        await delay(retryDelay(failures), undefined, { ref: false });
      }
    }
    if (isClosed) throw new Error('Connection is closed.');
    await connect();
  };
}

/** Asks the provider for user and password, which the next connection has too. */
export async function renewCredentials(
  redis: Redis,
  provider: RedisCredentialsFunction,
  timeout: number,
): Promise<void> {
  const { username, password } = await ask(provider, timeout);
  Object.assign(redis.options, { username, password });
}

/**
 * Does something with the user and password of a connection. They may have been rotated since it was made: where they are refused,
 * they are renewed and it is done again. A provider may cost a request, so that it is not asked each time.
 */
export async function withAccess<T>(
  options: RedisOptions,
  renew: (() => Promise<void>) | undefined,
  action: (access: RedisOptions) => Promise<T>,
): Promise<T> {
  try {
    return await action(options);
  } catch (error) {
    if (!renew || toRefusalCode((error as Error).message) !== 'REDIS_UNAUTHENTICATED') throw error;
    await renew();
    return action(options);
  }
}

async function ask(provider: RedisCredentialsFunction, timeout: number): Promise<RedisCredentials> {
  let credentials: RedisCredentials | undefined;
  try {
    credentials = await withinTime(Promise.resolve(provider()), timeout);
  } catch (cause) {
    throw new RedisCredentialsError(`redisCredentials failed: ${(cause as Error)?.message ?? cause}`, {
      cause,
    });
  }
  if (typeof credentials?.password !== 'string') {
    throw new RedisCredentialsError(
      `redisCredentials did not return { username?, password } within ${timeout} ms.`,
    );
  }
  return credentials;
}
