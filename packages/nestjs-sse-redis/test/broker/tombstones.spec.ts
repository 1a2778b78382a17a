import { until, useRedis } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import publishLua from '../../src/broker/redis/scripts/publish.lua.js';
import type { Position } from '../../src/event/position.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import { keysOf, SCRIPT, toArguments } from '../publisher/foreign-publisher.js';
import { Heard, publication, publishAll } from './broker-set-ups.js';

const redis = useRedis();
/** A log is gone a second later. */
const SHORT = 200;
const ALL = { records: 100, bytes: Infinity };

describe('the tombstone of a short-lived log in Redis', () => {
  const open: RedisBroker[] = [];
  let prefix: string;

  beforeEach(() => (prefix = randomUUID()));
  afterEach(async () => {
    await Promise.all(open.splice(0).map((broker) => broker.close()));
  });

  async function start(history = {}, url = redis.url): Promise<RedisBroker> {
    const options = { history, heartbeatInterval: 500, probeInterval: 500, auditInterval: 500 };
    const resolved = resolveOptions({ redis: url, prefix, ...options });
    const broker = new RedisBroker(url, resolved, randomUUID());
    open.push(broker);
    await broker.start(new Heard());
    return broker;
  }

  const key = (name: string) => `{${prefix}}:${name}`;
  const short = (channel: string) => ({ ...publication(channel, 1), history: { ttl: SHORT } });
  const gone = (channel: string) =>
    until(async () => (await redis.cli('EXISTS', key(`log:${channel}`))) === 0);
  const tombstones = async () => Number(await redis.cli('ZCARD', key('tombstones')));

  async function isWhole(broker: RedisBroker, channel: string, after: Position): Promise<boolean> {
    return (await broker.read([{ channel, after }], ALL))[0]!.logStart <= after;
  }

  it('is what a gap is told by: without it events are lost untold (negative control)', async () => {
    const broker = await start();
    const before = await broker.position();
    await publishAll(broker, short('a'));
    await gone('a');
    expect(await isWhole(broker, 'a', before)).toBe(false);
    await redis.cli('DEL', key('tombstones'));
    expect(await isWhole(broker, 'a', before)).toBe(true);
  });

  it('is heeded by a script that knows nothing of the time', async () => {
    const broker = await start();
    const before = await broker.position();
    const [first] = await publishAll(broker, short('a'));
    await gone('a');
    const event = { kind: 'json', data: '2' } as const;
    await redis.cli('EVAL', SCRIPT, ...toArguments(keysOf('a', { prefix }), event));
    expect(await isWhole(broker, 'a', before)).toBe(false);
    expect(await isWhole(broker, 'a', first!)).toBe(true);
  });

  it('is asked for by a process that does not know of it, and events on their way keep their order', async () => {
    const [broker, other] = [await start(), await start()];
    const before = await broker.position();
    await publishAll(other, short('a'));
    await gone('a');
    const positions: Promise<Position[]>[] = [];
    for (let i = 0; i < 30; i++) {
      // Of one channel, and each in a turn of its own.
      positions.push(publishAll(broker, publication('b', i)));
      await turn();
    }
    const all = (await Promise.all(positions)).flat();
    expect(all).toEqual([...all].sort((a, b) => a - b));
    const [slice] = await broker.read([{ channel: 'b', after: before }], ALL);
    expect(slice!.records.map(({ position }) => position)).toEqual(all);
    await publishAll(broker, publication('a', 2));
    expect(await isWhole(broker, 'a', before)).toBe(false);
  });

  it('is not heeded by a script that does not ask for it: events are lost untold (negative control)', async () => {
    const broker = await start();
    const before = await broker.position();
    await publishAll(broker, short('a'));
    await gone('a');
    const careless = publishLua.replace(/if tombstonesKey == false and .*\n/, '');
    expect(careless).not.toBe(publishLua);
    const run = (source: string) =>
      redis.cli(
        'EVAL',
        source,
        2,
        key('clock'),
        key('log:a'),
        '',
        '',
        0,
        'announced',
        'j',
        'data: 2\n\n',
        '',
        '',
      );
    expect(await run(publishLua)).toBe(0);
    expect(await isWhole(broker, 'a', before)).toBe(false);
    await run(careless);
    expect(await isWhole(broker, 'a', before)).toBe(true);
  });

  it('makes a user without the right to read it send a gap', async () => {
    const broker = await start();
    const [first] = await publishAll(broker, short('a'));
    await gone('a');
    const user = `user-${randomUUID()}`;
    await redis.cli('ACL', 'SETUSER', user, 'on', '>pw', '~*', '&*', '+@all', '-zscore');
    const event = { kind: 'json', data: '2' } as const;
    await redis.cli('AUTH', user, 'pw');
    await redis.cli('EVAL', SCRIPT, ...toArguments(keysOf('a', { prefix }), event));
    await redis.cli('AUTH', 'default', '');
    expect(await isWhole(broker, 'a', first!)).toBe(false);
    expect(await isWhole(broker, 'a', await broker.position())).toBe(true);
  });

  it('is forgotten once no bound reaches behind it', async () => {
    const broker = await start({ ttl: 1_000 });
    await publishAll(broker, ...Array.from({ length: 60 }, (_, i) => short(`a${i}`)));
    expect(await tombstones()).toBe(60);
    await until(async () => {
      await publishAll(broker, short('b'));
      return (await tombstones()) === 1;
    });
    await until(async () => (await redis.cli('EXISTS', key('tombstones'))) === 0);
  });

  it('counts under a retention that was raised meanwhile', async () => {
    const broker = await start({ ttl: 1_000 });
    const before = await broker.position();
    const [first] = await publishAll(broker, short('a'));
    await gone('a');
    const raised = await start({ ttl: 60_000 });
    await publishAll(raised, publication('a', 2));
    expect(await isWhole(raised, 'a', before)).toBe(false);
    await publishAll(raised, short('c'));
    expect(first).toBeGreaterThan(before);
  });

  /** The commands of a script for an event of a new channel, and for another one. */
  async function commandsOf(broker: RedisBroker): Promise<Record<string, number>> {
    await redis.cli('CONFIG', 'RESETSTAT');
    await publishAll(broker, publication('plain', 1));
    await publishAll(broker, publication('plain', 2));
    const stats = String(await redis.cli('INFO', 'commandstats'));
    const counts = [...stats.matchAll(/cmdstat_(\w+):calls=(\d+)/g)].map(([, name, count]) => [
      name,
      Number(count),
    ]);
    const { hmget, hset, xrevrange, xadd, pexpire, zscore = 0, zadd = 0 } = Object.fromEntries(counts);
    return { hmget, hset, xrevrange, xadd, pexpire, zscore, zadd };
  }

  it('costs other channels no command where there is none, and one at the first event of a log where there are some', async () => {
    const broker = await start();
    const without = { hmget: 2, hset: 2, xrevrange: 2, xadd: 2, pexpire: 2, zscore: 0, zadd: 0 };
    // A probe or a renewal would be one more.
    expect(
      await until(async () => {
        const counts = await commandsOf(broker);
        await redis.cli('DEL', key('log:plain'));
        return counts['hmget'] === 2 && counts;
      }),
    ).toEqual(without);
    await publishAll(broker, short('a'));
    expect(
      await until(async () => {
        const counts = await commandsOf(broker);
        await redis.cli('DEL', key('log:plain'));
        return counts['hmget'] === 2 && counts;
      }),
    ).toEqual({ ...without, zscore: 1 });
  });
});
