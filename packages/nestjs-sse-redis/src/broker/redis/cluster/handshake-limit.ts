import type { Redis } from 'ioredis';

/**
 * Gives up a connection that is open and not ready when the time is up, so that the next one looks for the owner again.
 *
 * The kernel of a server that hangs accepts connections, and `connectTimeout` of ioredis (5 and 6) ends with that. Nodes name
 * a master that hangs as the owner until another one is elected.
 *
 * @param timeout ms
 */
export function limitHandshake(redis: Redis, timeout: number): void {
  let timer: NodeJS.Timeout | undefined;
  redis.on('connect', () => {
    clearTimeout(timer);
    const { stream } = redis;
    timer = setTimeout(() => stream.destroy(), timeout).unref();
  });
  for (const event of ['ready', 'close'] as const) redis.on(event, () => clearTimeout(timer));
}
