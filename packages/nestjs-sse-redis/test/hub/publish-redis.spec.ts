import { TcpProxy, until } from '@nestjs-sse-redis/testing';
import { PublishOutcomeUnknownError, RedisRefusedError, RedisUnavailableError } from 'nestjs-sse-redis';
import { failureOf, Hubs, type TestHub } from './hubs.js';

describe('publishing over Redis', () => {
  const hubs = Hubs.over('redis');
  /** A probe would be one more script. */
  const quiet = { probeInterval: 600_000 };

  async function throughProxy(
    options: Parameters<Hubs['start']>[0] = {},
  ): Promise<TestHub & { proxy: TcpProxy }> {
    const proxy = await TcpProxy.start({ target: hubs.redis.port });
    hubs.closeLater(() => proxy.stop());
    const test = await hubs.start({ redis: `redis://127.0.0.1:${proxy.port}`, ...quiet, ...options });
    return Object.assign(test, { proxy });
  }

  it('sends many in one round trip, with few runs of the script', async () => {
    const { hub, proxy } = await throughProxy();
    await hub.publish('a', { data: 'loads the script' });
    await hubs.redis.cli('CONFIG', 'RESETSTAT');
    proxy.delay(100);
    let sent = '';
    let sentBeforeTheFirstReply: number | undefined;
    proxy.transform((direction, chunk) => {
      if (direction === 'toServer') sent += chunk.toString('latin1');
      else sentBeforeTheFirstReply ??= sent.match(/EVALSHA/gi)?.length ?? 0;
      return chunk;
    });
    const results = await hub.publishMany(
      Array.from({ length: 1_000 }, (_, i) => ({ channel: `c${i % 10}`, data: i })),
    );
    expect(results.every((result) => 'id' in result)).toBe(true);
    // Each run is short: Redis does nothing else meanwhile.
    expect(sentBeforeTheFirstReply).toBe(Math.ceil(1_000 / 64));
    expect(await callsOf(hubs, 'evalsha')).toBe(Math.ceil(1_000 / 64));
    // One event, one XADD and one PUBLISH: nothing is sent twice, and nothing besides.
    expect(await callsOf(hubs, 'xadd')).toBe(1_000);
    expect(await callsOf(hubs, 'publish')).toBe(1_000);
  });

  it('needs no more than the script for one event', async () => {
    const { hub } = await hubs.start(quiet);
    await hub.publish('a', { data: 'loads the script' });
    await hubs.redis.cli('CONFIG', 'RESETSTAT');
    await hub.publish('a', { data: 1 });
    expect(await callsOf(hubs, 'evalsha')).toBe(1);
    expect(await callsOf(hubs, 'eval')).toBe(0);
    expect(await callsOf(hubs, 'script|load')).toBe(0);
  });

  it('does not notice that Redis forgot its scripts', async () => {
    const test = await hubs.start(quiet);
    const { hub } = test;
    const client = await test.client(['a']);
    await hub.publish('a', { data: 0 });
    await hubs.redis.cli('SCRIPT', 'FLUSH');
    await hub.publish('a', { data: 1 });
    await hubs.redis.cli('SCRIPT', 'FLUSH');
    const many = await hub.publishMany(
      Array.from({ length: 100 }, (_, i) => ({ channel: 'a', data: i + 2 })),
    );
    expect(many.every((result) => 'id' in result)).toBe(true);
    const expected = Array.from({ length: 102 }, (_, i) => String(i));
    expect((await client.waitFor(102)).map(({ data }) => data)).toEqual(expected);
    await hubs.redis.cli('SCRIPT', 'FLUSH');
    expect(await test.dataIn('a')).toHaveLength(102);
  });

  it('refuses more than 64 MiB of publishes that Redis has not answered, and takes them when it has', async () => {
    const { hub } = await hubs.start({ ...quiet, publishTimeout: 20_000, history: { maxLength: 1 } });
    const data = 'x'.repeat(1_048_576);
    hubs.redis.pause();
    const publishing = Array.from({ length: 80 }, () =>
      hub.publish('a', { data }).then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
    // At once, while the others still wait.
    const refused = (await publishing.at(-1)) as Error;
    expect(refused).toBeInstanceOf(RedisUnavailableError);
    expect(refused.message).toMatch(/is behind with 6\d MiB of publishes: nothing was sent/);
    hubs.redis.resume();
    const failures = (await Promise.all(publishing)).filter((error) => error !== undefined);
    expect(failures.length).toBeGreaterThanOrEqual(80 - 65);
    expect(failures.length).toBeLessThan(20);
    await hub.publish('a', { data });
  });

  it('never sends again what may have been published: the answer was lost', async () => {
    const test = await throughProxy();
    const { hub, proxy } = test;
    await hub.publish('a', { data: 'before' });
    proxy.transform((direction, chunk, connection) => {
      if (direction === 'toServer' || !/evalsha/i.test(connection.head)) return chunk;
      connection.cut();
      return null;
    });
    const failures = await Promise.all([
      failureOf(hub.publish('a', { data: 'one' })),
      failureOf(hub.publish('a', { data: 'two' }, { idempotencyKey: 'k' })),
    ]);
    for (const failure of failures) {
      expect(failure).toBeInstanceOf(PublishOutcomeUnknownError);
      expect(failure).toMatchObject({ code: 'PUBLISH_OUTCOME_UNKNOWN', statusCode: 503 });
      expect(failure.message).toMatch(/may have been published, or not.*idempotencyKey/);
      expect(failure.message).toContain(`127.0.0.1:${proxy.port}`);
    }
    proxy.transform();
    // Redis ran both before the answer was swallowed. The second was given a key, so it is safe to repeat.
    await until(() => hub.publish('a', { data: 'two' }, { idempotencyKey: 'k' }));
    await hub.publish('a', { data: 'after' });
    expect(await test.dataIn('a')).toEqual(['before', 'one', 'two', 'after']);
  });

  it('never sends again what may have been published: the question was lost', async () => {
    const test = await throughProxy();
    const { hub, proxy } = test;
    await hub.publish('a', { data: 'before' });
    proxy.transform((direction, chunk, connection) => {
      if (direction === 'toClient' || !/evalsha/i.test(connection.head)) return chunk;
      connection.cut();
      return null;
    });
    const results = await hub.publishMany([
      { channel: 'a', data: 'lost' },
      { channel: 'a', data: 'lost too' },
    ]);
    expect(results.map((result) => 'error' in result && result.error.constructor)).toEqual([
      PublishOutcomeUnknownError,
      PublishOutcomeUnknownError,
    ]);
    proxy.transform();
    await until(() => hub.publish('a', { data: 'after' }, { idempotencyKey: 'after' }));
    expect(await test.dataIn('a')).toEqual(['before', 'after']);
  });

  it('says that nothing was stored only where nothing was', async () => {
    await hubs.redis.cli('ACL', 'SETUSER', 'app', 'on', '>pw', '~*', '&*', '+@all');
    const test = await hubs.start({ redis: `redis://app:pw@127.0.0.1:${hubs.redis.port}`, ...quiet });
    await test.hub.publish('a', { data: 'before' });
    await hubs.redis.cli('ACL', 'SETUSER', 'app', 'resetchannels');
    const failure = await failureOf(test.hub.publish('a', { data: 'refused' }));
    expect(failure).toBeInstanceOf(RedisRefusedError);
    expect(failure).toMatchObject({ code: 'REDIS_FORBIDDEN' });
    await hubs.redis.cli('ACL', 'SETUSER', 'app', '&*');
    await until(() => test.hub.history('a'));
    expect(await test.dataIn('a')).toEqual(['before']);
  });
});

/** How often Redis has run a command, since its statistics were reset. */
async function callsOf({ redis }: Hubs, command: string): Promise<number> {
  const info = (await redis.cli('INFO', 'commandstats')) as string;
  const line = info.split('\r\n').find((one) => one.startsWith(`cmdstat_${command}:`));
  return Number(/calls=(\d+)/.exec(line ?? '')?.[1] ?? 0);
}
