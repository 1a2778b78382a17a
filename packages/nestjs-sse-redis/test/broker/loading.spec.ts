import { RedisServer, TcpProxy, until } from '@nestjs-sse-redis/testing';
import { failedStart, failureOf, Hubs } from '../hub/hubs.js';

const KEYS = 2_000;
/** Of a key, in microseconds: the server loads for longer than any test lasts. */
const KEY_DELAY = 100_000;

/** Redis 6.2 looks for commands after each 2 MiB that it loads, and cannot be told otherwise: there is no slow load that answers. */
const canLoad = async (server: RedisServer): Promise<boolean> =>
  !/^redis_version:6\./m.test(String(await server.cli('INFO', 'server')));

/** A server that loads its data, as a replica that is synchronized anew does, and answers meanwhile. */
async function load(server: RedisServer, from: RedisServer): Promise<void> {
  const fill = `for i = 1, ${KEYS} do redis.call('SET', 'key' .. i, string.rep('x', 2048)) end`;
  await from.cli('CONFIG', 'SET', 'rdbcompression', 'no');
  await from.cli('EVAL', fill, 0);
  await server.cli('CONFIG', 'SET', 'key-load-delay', KEY_DELAY);
  await server.cli('CONFIG', 'SET', 'loading-process-events-interval-bytes', 1024);
  await server.cli('REPLICAOF', '127.0.0.1', from.port);
  await until(() => isLoading(server));
}

async function isLoading(server: RedisServer): Promise<boolean> {
  const answer = await server.cli('PING').catch((error: Error) => error.message);
  return String(answer).startsWith('LOADING');
}

describe('a server that loads its data', () => {
  const hubs = Hubs.over('redis');
  let old: RedisServer;
  let next: RedisServer;
  let name: TcpProxy;
  beforeEach(async () => {
    old = await RedisServer.start();
    next = await RedisServer.start({ args: ['--repl-diskless-sync-delay', '0'] });
    name = await TcpProxy.start({ target: old.port });
  });
  afterEach(async () => {
    await name.stop();
    // It would not end before it has loaded.
    await old.cli('CONFIG', 'SET', 'key-load-delay', 0);
    await Promise.all([old.stop(), next.stop()]);
  });

  const redis = (): string => `redis://127.0.0.1:${name.port}`;

  it('is left for the one that its name leads to, also where the first new connection led to it', async () => {
    if (!(await canLoad(old))) return;
    const { hub } = await hubs.start({ redis: redis() });
    await load(old, next);
    expect(await failureOf(hub.publish('news', { data: 1 }))).toMatchObject({ code: 'REDIS_LOADING' });
    const { problems } = await hub.readiness();
    expect(problems).toEqual(Array.from({ length: 2 }, () => expect.stringContaining('LOADING') as string));
    name.target = next.port;
    await until(() =>
      hub.publish('news', { data: 2 }).then(
        () => true,
        () => false,
      ),
    );
    await until(async () => (await hub.readiness()).ready);
    expect(await isLoading(old)).toBe(true);
  });

  it('is named in the error of a start that it keeps from beginning', async () => {
    if (!(await canLoad(old))) return;
    await load(old, next);
    const words = /was not ready within \d+ ms \(LOADING /;
    const error = await failedStart(words, (connectTimeout) =>
      hubs.start({ redis: redis(), connectTimeout }),
    );
    expect(error).toMatchObject({
      code: 'REDIS_UNAVAILABLE',
      message: expect.stringMatching(words) as string,
      cause: { message: expect.stringContaining('LOADING') as string },
    });
  });
});
