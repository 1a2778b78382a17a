import { AppProcess, RedisServer, until } from '@nestjs-sse-redis/testing';
import { setTimeout as pause } from 'node:timers/promises';
import type { FeedsRequest, FeedsState } from './many-channels.process.js';

const CHANNELS = 100_000;
/** Of one, while it is idle. */
const MOST_BYTES = 1_024;
/** Of one that was left: with a leak it would be more. */
const LEFT_BYTES = 20;

describe(`${CHANNELS} channels`, () => {
  let redis: RedisServer;
  let app: AppProcess;

  beforeEach(async () => {
    redis = await RedisServer.start();
    app = await AppProcess.start(new URL('./many-channels.process.ts', import.meta.url), {
      args: [redis.url],
      execArgv: ['--expose-gc'],
    });
  });
  afterEach(async () => {
    await app.kill();
    await redis.stop();
  });

  const ask = (request: FeedsRequest): Promise<FeedsState> => app.request<FeedsState>(request);

  const subscriptions = async (): Promise<number> =>
    ((await redis.cli('PUBSUB', 'CHANNELS', '*:c:*')) as string[]).length;

  /** Buffers of the last answers are let go of in their own time; what is held stays. */
  async function memoryWhenBelow(limit: number): Promise<number> {
    let least = Infinity;
    await until(
      async () => {
        least = Math.min(least, (await ask({ kind: 'state' })).memory);
        return least < limit;
      },
      { timeout: 30_000, interval: 200 },
    ).catch(() => undefined);
    return least;
  }

  /** Subscribes to all of them, and leaves them. Returns what they took of memory meanwhile. */
  async function round(prefix: string): Promise<number> {
    const { memory } = await ask({ kind: 'state' });
    await ask({ kind: 'acquire', prefix, count: CHANNELS });
    expect(await subscriptions()).toBe(CHANNELS);
    const taken = (await memoryWhenBelow(memory + MOST_BYTES * CHANNELS)) - memory;
    await ask({ kind: 'release', leaves: true });
    await until(async () => (await subscriptions()) === 0, { timeout: 30_000 });
    return taken;
  }

  it('take less than 1 KB each while they are idle, and leave nothing behind', async () => {
    // What comes with work, whatever its size.
    await round('a');
    expect(await ask({ kind: 'state' })).toMatchObject({ feeds: 0 });
    // What it comes down to, once Redis' last answers have been read.
    let memory = Infinity;
    for (let i = 0; i < 10; i++) {
      memory = Math.min(memory, (await ask({ kind: 'state' })).memory);
      await pause(100);
    }
    const taken = await round('b');
    const left = (await memoryWhenBelow(memory + LEFT_BYTES * CHANNELS)) - memory;
    process.stdout.write(
      `\n${CHANNELS} channels: ${Math.round(taken / CHANNELS)} bytes each, ${(left / CHANNELS).toFixed(1)} left of a round\n`,
    );
    expect(taken / CHANNELS).toBeGreaterThan(50);
    expect(taken / CHANNELS).toBeLessThan(MOST_BYTES);
    expect(left / CHANNELS).toBeLessThan(LEFT_BYTES);
  });

  it('would stay in Redis for good, were they not left (negative control)', async () => {
    const count = 10_000;
    await ask({ kind: 'acquire', prefix: 'c', count });
    expect(await ask({ kind: 'release', leaves: false })).toMatchObject({ feeds: 0 });
    expect(await subscriptions()).toBe(count);
  });
});
