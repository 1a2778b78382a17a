import { useRedis } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import publishLua from '../../src/broker/redis/scripts/publish.lua.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import { Heard, publishAll, publication } from './broker-set-ups.js';

const LIMITS = { records: 100, bytes: 1e6 };

const redis = useRedis();

/** What a loss of data, or a hand in Redis, may leave of the clock. Found by the fault suite: FAULT_SEED=471122 on a busy machine. */
const lost = [['since', 'retention'], ['since'], ['last'], ['last', 'since'], ['last', 'retention']].map(
  (fields) => ({ fields }),
);

it.each(lost)('publishes readable events after the clock has lost $fields', async ({ fields }) => {
  const prefix = randomUUID();
  const broker = new RedisBroker(redis.url, resolveOptions({ redis: redis.url, prefix }), 'node');
  await broker.start(new Heard());
  try {
    const before = await publishAll(broker, publication('old', 1));
    await redis.cli('HDEL', `{${prefix}}:clock`, ...fields);
    const after = await publishAll(broker, publication('new', 2), publication('old', 3));
    expect(Math.min(...after)).toBeGreaterThan(before[0]!);

    const slices = await broker.read(
      ['new', 'old'].map((channel) => ({ channel, after: before[0]! })),
      LIMITS,
    );
    expect(slices.map(({ records }) => records.map(({ position }) => position))).toEqual([
      [after[0]],
      [after[1]],
    ]);
    expect(await broker.positionBefore(['new', 'old'], 1)).toBeLessThan(after[1]!);
  } finally {
    await broker.close();
  }
});

// Under `allkeys-lru` Redis evicts the clock as any key, and one of the last second is as old to it as that of the last event.
it('never gives an id to two events when the clock is lost again and again within a millisecond', async () => {
  const prefix = randomUUID();
  const clock = `{${prefix}}:clock`;
  const hidden = '-';
  const pipeline = redis.client().pipeline();
  for (let i = 0; i < 500; i++) {
    const event = ['', '0 ', `data: ${i}\n\n`, ''];
    pipeline.eval(publishLua, 2, clock, `{${prefix}}:log:${i}`, 100, 60_000, 0, ...event, hidden);
    pipeline.del(clock);
  }
  const replies = await pipeline.exec();
  const positions = replies!.filter((_, i) => i % 2 === 0).map(([, reply]) => (reply as [number])[0]);
  expect(positions).toEqual([...positions].sort((a, b) => a - b));
  expect(new Set(positions).size).toBe(500);
  // Otherwise nothing is shown: several were published within a millisecond.
  expect(new Set(positions.map((position) => Math.floor(position / 1024))).size).toBeLessThan(500);
});
