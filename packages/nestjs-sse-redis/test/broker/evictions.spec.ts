import { useRedis } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import type { Position } from '../../src/event/position.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import { Heard, publishAll, publication } from './broker-set-ups.js';

const LIMITS = { records: 100, bytes: 1e6 };
const POLICIES = ['volatile-lru', 'volatile-lfu', 'volatile-random', 'volatile-ttl', 'allkeys-lru'];

const redis = useRedis();
const brokers: RedisBroker[] = [];

beforeEach(() => redis.cli('CONFIG', 'RESETSTAT'));

afterEach(async () => {
  await Promise.all(brokers.splice(0).map((broker) => broker.close()));
  await redis.cli('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
  await redis.cli('FLUSHALL');
});

async function start(url = redis.url): Promise<RedisBroker> {
  const prefix = randomUUID();
  const isState = (channel: string): boolean => channel.startsWith('board');
  const broker = new RedisBroker(url, resolveOptions({ redis: url, prefix }), 'node', undefined, isState);
  brokers.push(broker);
  await broker.start(new Heard());
  return broker;
}

/** Whatever may be evicted is; what has no time to live is kept by the `volatile` policies. */
async function evict(policy = 'volatile-lru'): Promise<void> {
  await redis.cli('CONFIG', 'SET', 'maxmemory-policy', policy);
  await redis.cli('CONFIG', 'SET', 'maxmemory', '1');
  // A command that may take memory makes the server look for some.
  await redis.cli('SET', 'cache', '1').catch(() => {});
  await redis.cli('CONFIG', 'SET', 'maxmemory', '0');
  expect(Number(/evicted_keys:(\d+)/.exec(String(await redis.cli('INFO', 'stats')))![1])).toBeGreaterThan(0);
}

/** What a client that comes back with a cursor is told of a channel. */
async function read(broker: RedisBroker, channel: string, after: Position) {
  const [slice] = await broker.read([{ channel, after }], LIMITS);
  return { isWhole: slice!.logStart <= after, positions: slice!.records.map(({ position }) => position) };
}

describe.each(POLICIES)('a log that Redis evicted by %s', (policy) => {
  it('is no quiet channel', async () => {
    const broker = await start();
    const after = await broker.position();
    await publishAll(broker, publication('news', 1));
    expect(await read(broker, 'news', after)).toMatchObject({ isWhole: true });
    await evict(policy);
    expect(await read(broker, 'news', after)).toEqual({ isWhole: false, positions: [] });
  });

  it('is missed behind the first event of the log that followed it', async () => {
    const broker = await start();
    const after = await broker.position();
    await publishAll(broker, publication('news', 1));
    await evict(policy);
    const [second] = await publishAll(broker, publication('news', 2));
    expect(await read(broker, 'news', after)).toEqual({ isWhole: false, positions: [second] });
    expect(await broker.positionBefore(['news'], 10)).toBeGreaterThan(after);
    // Known by now, it is so for later logs as well.
    const [other] = await publishAll(broker, publication('other', 3));
    expect(await read(broker, 'other', after)).toEqual({ isWhole: false, positions: [other] });
  });

  it('is missed behind the first event of the map that followed it', async () => {
    const broker = await start();
    const after = await broker.position();
    const keyed = (key: string) => ({ ...publication('board', 1), state: { key, maxKeys: 10 } });
    const isKnown = async () =>
      (await broker.read([{ channel: 'board', after }], LIMITS))[0]!.knownFrom <= after;
    await publishAll(broker, keyed('a'));
    expect(await isKnown()).toBe(true);
    await evict(policy);
    const [second] = await publishAll(broker, keyed('b'));
    expect(await isKnown()).toBe(false);
    expect(await read(broker, 'board', after)).toEqual({ isWhole: false, positions: [second] });
  });
});

it('tells of nothing for what was published and left after the eviction', async () => {
  const broker = await start();
  await publishAll(broker, publication('news', 1));
  await evict();
  const after = await broker.position();
  // Whoever reads what is no longer there finds the eviction.
  await read(broker, 'news', 0);
  const [position] = await publishAll(broker, publication('sport', 2));
  expect(await read(broker, 'sport', after)).toEqual({ isWhole: true, positions: [position] });
  expect(await read(broker, 'quiet', after)).toEqual({ isWhole: true, positions: [] });
});

it('tells of nothing for a log that is still there', async () => {
  const broker = await start();
  const after = await broker.position();
  const kept = await publishAll(broker, publication('kept', 1), publication('kept', 2));
  await publishAll(broker, publication('evicted', 1));
  for (const key of (await redis.cli('KEYS', '*kept*')) as string[]) await redis.cli('PERSIST', key);
  await evict();
  expect(await read(broker, 'kept', kept[0]!)).toEqual({ isWhole: true, positions: [kept[1]] });
  // Whether there was another log before it, nobody can tell.
  expect((await read(broker, 'kept', after)).positions).toEqual(kept);
});

it('does not take a quiet channel for an evicted one where nothing was ever evicted', async () => {
  const broker = await start();
  const after = await broker.position();
  const [position] = await publishAll(broker, publication('news', 1));
  expect(await read(broker, 'quiet', after)).toEqual({ isWhole: true, positions: [] });
  expect(await read(broker, 'news', after)).toEqual({ isWhole: true, positions: [position] });
});

it('takes an evicted log for a quiet channel where INFO is hidden: what it would be without the look', async () => {
  await redis.cli('ACL', 'SETUSER', 'blind', 'on', '>pw', '~*', '&*', '+@all', '-info');
  const broker = await start(`redis://blind:pw@127.0.0.1:${redis.port}`);
  const after = await broker.position();
  await publishAll(broker, publication('news', 1));
  await evict();
  expect(await read(broker, 'news', after)).toEqual({ isWhole: true, positions: [] });
});
