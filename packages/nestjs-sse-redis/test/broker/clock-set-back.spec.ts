import { jest } from '@jest/globals';
import { until, useRedis } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import type { Broker, Publication } from '../../src/broker/broker.interface.js';
import { MemoryBroker } from '../../src/broker/memory/memory-broker.js';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import { POSITIONS_PER_MS, type Position } from '../../src/event/position.js';
import { resolveOptions, type ResolvedOptions } from '../../src/options/resolved-options.js';
import { Heard, publication, publishAll } from './broker-set-ups.js';

const redis = useRedis();
const TTL = 1_000;
/** Longer than logs and tombstones are kept: those that went by the clock of Redis would be gone before their ids are of the past. */
const BACK = 5 * TTL;
const ALL = { records: 100, bytes: Infinity };
const isState = (channel: string): boolean => channel.startsWith('board');

/** A broker whose clock is set back while it runs. */
interface Scene {
  readonly prefix: string;
  start(ttl?: number): Promise<Broker>;
  setBack(): Promise<void>;
}

const open: Broker[] = [];
afterEach(async () => {
  jest.restoreAllMocks();
  await Promise.all(open.splice(0).map((broker) => broker.close()));
});

async function begin(create: (options: ResolvedOptions) => Broker, ttl: number): Promise<Broker> {
  const times = { heartbeatInterval: 500, probeInterval: 500, auditInterval: 500 };
  const broker = create(resolveOptions({ history: { ttl }, ...times }));
  open.push(broker);
  await broker.start(new Heard());
  await publishAll(broker, publication('before', 0));
  return broker;
}

function overRedis(): Scene {
  const prefix = randomUUID();
  const create = (options: ResolvedOptions) => {
    const { redis: connection } = resolveOptions({ redis: redis.url, prefix });
    return new RedisBroker(connection!, { ...options, prefix }, randomUUID(), undefined, isState);
  };
  return {
    prefix,
    start: (ttl = TTL) => begin(create, ttl),
    // Ids that were given out lie in the future then.
    setBack: async () => {
      const ahead = (Date.now() + BACK) * POSITIONS_PER_MS;
      await redis.cli('HSET', `{${prefix}}:clock`, 'last', ahead);
    },
  };
}

function overMemory(): Scene {
  const create = (options: ResolvedOptions) => new MemoryBroker(options, randomUUID(), undefined, isState);
  const { now } = Date;
  jest.spyOn(Date, 'now').mockImplementation(() => now() + BACK);
  return {
    prefix: '',
    start: (ttl = TTL) => begin(create, ttl),
    setBack: () => {
      jest.spyOn(Date, 'now').mockImplementation(now);
      return Promise.resolve();
    },
  };
}

/** Reads until the log has no event any more. @returns the position from which on nothing is missing */
async function toldFrom(broker: Broker, channel: string, after: Position): Promise<Position> {
  const read = async () => (await broker.read([{ channel, after }], ALL))[0]!;
  const slice = await until(async () => {
    const found = await read();
    return found.records.length === 0 && found;
  });
  return slice.knownFrom;
}

const short = (channel: string): Publication => ({ ...publication(channel, 1), history: { ttl: 200 } });
const keyed: Publication = {
  ...publication('board', 1),
  state: { key: 'k', maxKeys: 10 },
  history: { ttl: TTL },
};

describe.each([
  ['Redis', overRedis],
  ['memory', overMemory],
])('where the clock of %s was set back by more than the history is kept', (_, begins) => {
  it('tells of the events that have expired, whatever the channel, and so does the next event', async () => {
    const scene = begins();
    const broker = await scene.start();
    await scene.setBack();
    const before = await broker.position();
    await publishAll(broker, publication('a', 1), short('short'), keyed);
    const told = await Promise.all(['a', 'short', 'board'].map((one) => toldFrom(broker, one, before)));
    expect(Math.min(...told)).toBeGreaterThan(before);
    await publishAll(broker, publication('a', 2));
    const [slice] = await broker.read([{ channel: 'a', after: before }], ALL);
    expect(slice).toMatchObject({ records: [{}] });
    expect(slice!.logStart).toBeGreaterThan(before);
  });

  it('tells nothing to a client that has everything', async () => {
    const scene = begins();
    const broker = await scene.start();
    await scene.setBack();
    const [last] = await publishAll(broker, publication('a', 1));
    const [slice] = await broker.read([{ channel: 'a', after: last! }], ALL);
    expect(slice!.logStart).toBeLessThanOrEqual(last!);
    const [quiet] = await broker.read([{ channel: 'quiet', after: last! }], ALL);
    expect(quiet!.logStart).toBeLessThanOrEqual(last!);
  });
});

it('tells of events that expired under a shorter history.ttl where the clock of Redis was set back', async () => {
  const scene = overRedis();
  const broker = await scene.start();
  await scene.setBack();
  const before = await broker.position();
  await publishAll(broker, publication('a', 1));
  const raised = await scene.start(60_000);
  await publishAll(raised, publication('b', 2));
  expect(await toldFrom(raised, 'a', before)).toBeGreaterThan(before);
});

it('loses events untold where a log goes by the clock of Redis alone (negative control)', async () => {
  const scene = overRedis();
  const broker = await scene.start();
  await scene.setBack();
  const before = await broker.position();
  await publishAll(broker, publication('a', 1));
  await redis.cli('PEXPIRE', `{${scene.prefix}}:log:a`, 1);
  expect(await toldFrom(broker, 'a', before)).toBeLessThanOrEqual(before);
});
