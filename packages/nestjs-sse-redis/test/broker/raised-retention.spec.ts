import { until, useRedis } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import { Heard, publication, publishAll } from './broker-set-ups.js';

const redis = useRedis();
const SHORT = 1_500;
const LONG = 60_000;
const ALL = { records: 100, bytes: Infinity };

describe('a history.ttl that is raised', () => {
  const open: RedisBroker[] = [];
  let prefix: string;

  beforeEach(() => (prefix = randomUUID()));
  afterEach(async () => {
    await Promise.all(open.splice(0).map((broker) => broker.close()));
  });

  async function start(ttl: number): Promise<RedisBroker> {
    const options = { history: { ttl }, heartbeatInterval: 500, probeInterval: 500, auditInterval: 500 };
    const resolved = resolveOptions({ redis: redis.url, prefix, ...options });
    const broker = new RedisBroker(resolved.redis!, resolved, randomUUID());
    open.push(broker);
    await broker.start(new Heard());
    return broker;
  }

  async function close(broker: RedisBroker): Promise<void> {
    open.splice(open.indexOf(broker), 1);
    await broker.close();
  }

  const read = async (broker: RedisBroker, after: number) =>
    (await broker.read([{ channel: 'a', after }], ALL))[0]!;
  const isGone = async () => (await redis.cli('EXISTS', `{${prefix}}:log:a`)) === 0;

  it('tells of events whose log expired under the shorter one, and of no others', async () => {
    const short = await start(SHORT);
    const before = await short.position();
    await publishAll(short, publication('a', 1));
    await close(short);
    const long = await start(LONG);
    await publishAll(long, publication('b', 2));
    const after = await long.position();
    const early = await read(long, before);
    // As long as the log is there nothing is missing.
    if (early.records.length > 0) expect(early.logStart).toBeLessThanOrEqual(before);
    await until(isGone);
    expect((await read(long, before)).logStart).toBeGreaterThan(before);
    expect(await long.positionBefore(['a'], 10)).toBeGreaterThan(before);
    // Who has been told, or came later, has everything.
    expect((await read(long, after)).logStart).toBeLessThanOrEqual(after);
    const [third] = await publishAll(long, publication('a', 3));
    const slice = await read(long, before);
    expect(slice.records).toHaveLength(1);
    expect(slice.logStart).toBeGreaterThan(before);
    expect((await read(long, after)).logStart).toBeLessThanOrEqual(after);
    expect(slice.records[0]!.position).toBe(third);
  });

  it('tells of them while processes of both are about, as in a deploy', async () => {
    const [short, long] = [await start(SHORT), await start(LONG)];
    const both = async () => {
      for (let i = 0; i < 10; i++) await publishAll(i % 2 === 0 ? short : long, publication('b', i));
    };
    await both();
    const before = await short.position();
    await publishAll(short, publication('a', 1));
    await both();
    await close(short);
    await publishAll(long, publication('b', 'last'));
    const after = await long.position();
    await until(isGone);
    expect((await read(long, before)).logStart).toBeGreaterThan(before);
    expect((await read(long, after)).logStart).toBeLessThanOrEqual(after);
  });
});
