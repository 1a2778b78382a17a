import { RedisServer, type RedisServerOptions } from './redis-server.js';

/**
 * A private Redis for the tests of a file or of a `describe`: it is started before the first of them, and stopped after the last.
 *
 * @returns the server; its members may be used from the first `beforeAll` after this call on
 * @example
 * ```ts
 * const redis = useRedis();
 * it('streams over Redis', () => startApp(newsModule({ redis: redis.url })));
 * ```
 */
export function useRedis(options?: RedisServerOptions): RedisServer {
  let server: RedisServer | undefined;
  beforeAll(async () => {
    server = await RedisServer.start(options);
  });
  afterAll(() => server?.stop());
  return new Proxy({} as RedisServer, {
    get(_, name) {
      if (!server)
        throw new Error('The Redis of useRedis() has not started yet: use it in a test, or in a hook.');
      const value = Reflect.get(server, name, server) as unknown;
      return typeof value === 'function' ? (value.bind(server) as unknown) : value;
    },
  });
}
