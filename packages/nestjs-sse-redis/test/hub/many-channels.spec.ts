import { RedisServer, until } from '@nestjs-sse-redis/testing';
import { jest } from '@jest/globals';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import { Feeds } from '../../src/hub/feeds.js';
import { Figures } from '../../src/hub/figures.js';
import { resolveOptions } from '../../src/options/resolved-options.js';

const CHANNELS = 100_000;
/** Of one, while it is idle. */
const MOST_BYTES = 1_024;
/** Of one that was left: with a leak it would be more. */
const LEFT_BYTES = 20;

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** Bytes of the heap and of buffers that are in use. */
async function memory(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe(`${CHANNELS} channels`, () => {
  let redis: RedisServer;
  let broker: RedisBroker;
  let feeds: Feeds;

  beforeAll(async () => {
    redis = await RedisServer.start();
    // Rarely probed: a machine that is busy with so many at once may answer late, which is not what this is about.
    const options = resolveOptions({ redis: redis.url, prefix: 'many', probeInterval: 120_000 });
    broker = new RedisBroker(options.redis!, options, 'node');
    feeds = new Feeds(broker, new Figures());
    feeds.link.up = true;
    await broker.start({
      announced: (channel, record) => feeds.announced(channel, record),
      watermark: (position) => feeds.watermark(position),
      message: () => undefined,
      linkLost: () => feeds.linkLost(),
      linkRestored: (position) => feeds.linkRestored(position),
    });
  });
  afterAll(async () => {
    await broker.close();
    await redis.stop();
  });

  const subscriptions = async (): Promise<number> =>
    ((await redis.cli('PUBSUB', 'CHANNELS', '*:c:*')) as string[]).length;

  /** Buffers of the last answers are let go of in their own time; what is held stays. */
  async function memoryWhenBelow(limit: number): Promise<number> {
    let bytes = Infinity;
    await until(
      async () => {
        bytes = Math.min(bytes, await memory());
        return bytes < limit;
      },
      { timeout: 30_000, interval: 200 },
    ).catch(() => undefined);
    return bytes;
  }

  /** Subscribes to so many, and leaves them. Returns what they took of memory meanwhile. */
  async function round(prefix: string, count = CHANNELS): Promise<number> {
    const before = await memory();
    const held = await feeds.acquire(Array.from({ length: count }, (_, i) => `${prefix}:${i}`));
    expect(await subscriptions()).toBe(count);
    const taken = (await memoryWhenBelow(before + MOST_BYTES * count)) - before;
    for (const feed of held) feeds.release(feed);
    return taken;
  }

  const left = (): Promise<unknown> => until(async () => (await subscriptions()) === 0, { timeout: 30_000 });

  it('take less than 1 KB each while they are idle, and leave nothing behind', async () => {
    // What comes with work, whatever its size.
    await round('a');
    await left();
    const before = await memory();
    const taken = await round('b');
    await left();
    const rest = (await memoryWhenBelow(before + LEFT_BYTES * CHANNELS)) - before;
    process.stdout.write(
      `\n${CHANNELS} channels: ${Math.round(taken / CHANNELS)} bytes each, ${(rest / CHANNELS).toFixed(1)} left of a round\n`,
    );
    expect(taken / CHANNELS).toBeGreaterThan(50);
    expect(taken / CHANNELS).toBeLessThan(MOST_BYTES);
    expect(rest / CHANNELS).toBeLessThan(LEFT_BYTES);
    expect(feeds.size).toBe(0);
  }, 120_000);

  it('would stay for good, were they not left (the twin)', async () => {
    const count = 10_000;
    const unsubscribe = jest.spyOn(broker, 'unsubscribe').mockReturnValue();
    await round('d', count);
    expect(feeds.size).toBe(0);
    expect(await subscriptions()).toBe(count);
    unsubscribe.mockRestore();
    for (let i = 0; i < count; i++) broker.unsubscribe(`d:${i}`);
    await left();
  }, 60_000);
});
