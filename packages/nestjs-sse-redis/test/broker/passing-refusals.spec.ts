import { jest } from '@jest/globals';
import { compare, deferred, RedisServer, until } from '@nestjs-sse-redis/testing';
import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Commands } from '../../src/broker/redis/commands.js';
import { failureOf, Hubs } from '../hub/hubs.js';

const SAVED_AS = 'saved';
/** Redis answers the start within it on a busy machine, too. */
const PUBLISH_TIMEOUT = 2_000;

interface Refusal {
  readonly code: string;
  readonly begin: (redis: RedisServer) => Promise<unknown>;
  readonly end: (redis: RedisServer) => Promise<unknown>;
}

const folderOf = async (redis: RedisServer): Promise<string> =>
  join(((await redis.cli('CONFIG', 'GET', 'dir')) as string[])[1]!, SAVED_AS);

async function save(redis: RedisServer, status: 'ok' | 'err'): Promise<void> {
  await until(async () => {
    await redis.cli('BGSAVE').catch(() => undefined);
    return String(await redis.cli('INFO', 'persistence')).includes(`rdb_last_bgsave_status:${status}`);
  });
}

/** What a server answers for a while that is whole, and whose connections stay open. */
const refusals: readonly Refusal[] = [
  {
    code: 'REDIS_NO_REPLICAS',
    begin: (redis) => redis.cli('CONFIG', 'SET', 'min-replicas-to-write', 1),
    end: (redis) => redis.cli('CONFIG', 'SET', 'min-replicas-to-write', 0),
  },
  {
    // It cannot save: a folder has the name of its file.
    code: 'REDIS_MISCONFIGURED',
    begin: async (redis) => {
      await mkdir(await folderOf(redis));
      await redis.cli('CONFIG', 'SET', 'save', '3600 1000000');
      await save(redis, 'err');
    },
    end: async (redis) => {
      await rmdir(await folderOf(redis));
      await save(redis, 'ok');
    },
  },
  {
    code: 'REDIS_MASTER_DOWN',
    begin: async (redis) => {
      await redis.cli('CONFIG', 'SET', 'replica-serve-stale-data', 'no');
      await redis.cli('REPLICAOF', '127.0.0.1', 1);
    },
    end: (redis) => redis.cli('REPLICAOF', 'NO', 'ONE'),
  },
  {
    code: 'REDIS_BUSY',
    begin: async (redis) => {
      await redis.cli('CONFIG', 'SET', 'lua-time-limit', 10);
      const script = redis.client();
      script.eval('while true do end', 0).catch(() => undefined);
      await until(async () => String(await redis.cli('PING').catch(String)).includes('BUSY'));
    },
    end: (redis) => redis.cli('SCRIPT', 'KILL'),
  },
];

describe.each(refusals)('a server that answers $code for a while', ({ code, begin, end }) => {
  const hubs = Hubs.over('redis');
  let redis: RedisServer;

  beforeEach(async () => {
    redis = await RedisServer.start({ args: ['--dbfilename', SAVED_AS] });
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await redis.stop();
  });

  it('is asked again: all that was published meanwhile arrives once, in its order', async () => {
    const test = await hubs.start({ redis: redis.url, publishTimeout: 60_000 });
    const client = await test.client(['news']);
    const refuse = jest.spyOn(Commands.prototype, 'refuse');
    await begin(redis);
    const publishes = Array.from({ length: 5 }, (_, i) => test.hub.publish('news', { data: i }));
    await until(() => refuse.mock.results.some(({ value }) => (value as { code: string }).code === code));
    await end(redis);
    const ids = (await Promise.all(publishes)).map(({ id }) => id);
    await client.waitForEvents(5);
    expect(compare(ids, client.eventIds).report()).toMatch(/^whole/);
    expect(await test.dataIn('news')).toEqual([0, 1, 2, 3, 4]);
    await until(async () => (await test.hub.readiness()).ready);
  });

  it('is named by its code when the time of a publish is over, and nothing was stored', async () => {
    const test = await hubs.start({ redis: redis.url, publishTimeout: PUBLISH_TIMEOUT });
    const runAll = jest.spyOn(Commands.prototype, 'runAll');
    await begin(redis);
    const failure = await failureOf(test.hub.publish('news', { data: 'lost' }));
    // The last attempt may still be on its way when the time is up.
    expect([code, 'PUBLISH_OUTCOME_UNKNOWN']).toContain(failure['code']);
    // In the last of its time it is not sent again, so that its refusal stays known.
    const times = runAll.mock.calls.flatMap(([, , within]) => within ?? []);
    expect(Math.min(...times)).toBeGreaterThan(50);
    await end(redis);
    await until(async () => (await test.hub.readiness()).ready);
    expect(await test.dataIn('news')).toEqual([]);
  });
});

describe('a reading that is refused until its time is up', () => {
  const hubs = Hubs.over('redis');
  afterEach(() => jest.restoreAllMocks());

  it('is named by its code, since it is not sent again in the last of its time', async () => {
    const { begin, end } = refusals.find(({ code }) => code === 'REDIS_BUSY')!;
    const test = await hubs.start({ publishTimeout: PUBLISH_TIMEOUT });
    await begin(hubs.redis);
    const readAll = jest.spyOn(Commands.prototype, 'readAll');
    const failures = await Promise.all(Array.from({ length: 20 }, () => failureOf(test.hub.history('news'))));
    await end(hubs.redis);
    const times = readAll.mock.calls.flatMap(([, , within]) => within ?? []);
    expect(times.length).toBeGreaterThan(failures.length);
    expect(Math.min(...times)).toBeGreaterThan(50);
    expect(failures.map((failure) => failure['code'])).toContain('REDIS_BUSY');
  });
});

describe('a held publish', () => {
  const hubs = Hubs.over('redis');
  afterEach(() => jest.restoreAllMocks());

  it('is refused, and not sent, where its time ran out while the process was blocked', async () => {
    const { begin } = refusals.find(({ code }) => code === 'REDIS_BUSY')!;
    const test = await hubs.start({ publishTimeout: PUBLISH_TIMEOUT });
    const admin = hubs.redis.client();
    await admin.ping();
    await begin(hubs.redis);
    const refused = deferred();
    // oxlint-disable-next-line typescript/unbound-method -- called with its own `this` below
    const { refuse } = Commands.prototype;
    jest.spyOn(Commands.prototype, 'refuse').mockImplementation(function (this: Commands, cause) {
      refused.resolve();
      return refuse.call(this, cause);
    });
    const publish = failureOf(test.hub.publish('news', { data: 'late' }));
    await refused.promise;
    await nextTurn();
    // It waits now before it is sent again. In one turn, so that this is not in between.
    const healed = admin.script('KILL');
    for (const end = performance.now() + PUBLISH_TIMEOUT + 400; performance.now() < end;);
    expect((await publish)['code']).toBe('REDIS_BUSY');
    await healed;
    await until(async () => (await test.hub.readiness()).ready);
    expect(await test.dataIn('news')).toEqual([]);
  });
});
