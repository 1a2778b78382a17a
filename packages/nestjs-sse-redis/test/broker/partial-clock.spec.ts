import { useRedis } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
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
