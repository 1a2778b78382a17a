import { until, useRedis } from '@nestjs-sse-redis/testing';
import type { Redis } from 'ioredis';
import { randomUUID } from 'node:crypto';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import { Heard, publication } from './broker-set-ups.js';

const PUBLISHERS = 4;
const EVENTS_EACH = 2_000;
const AT_ONCE = 16;

const redis = useRedis();

/** Has each publisher publish its events, several at a time. */
async function publishFrom<T>(
  publishers: T[],
  publish: (publisher: T, n: number) => Promise<unknown>,
): Promise<void> {
  await Promise.all(
    publishers.flatMap((publisher) =>
      Array.from({ length: AT_ONCE }, async (_, lane) => {
        for (let n = lane; n < EVENTS_EACH; n += AT_ONCE) await publish(publisher, n);
      }),
    ),
  );
}

/** How many came after one that is newer. */
function countInversions(positions: readonly number[]): number {
  let newest = 0;
  return positions.filter((position) => {
    const late = position < newest;
    newest = Math.max(newest, position);
    return late;
  }).length;
}

function idToNumber(id: string): number {
  const [ms, seq] = id.split('-').map(Number);
  return ms! * 100_000 + seq!;
}

it('announces in the order of the ids, whoever publishes', async () => {
  const options = resolveOptions({ redis: redis.url, prefix: randomUUID() });
  const heard = new Heard();
  const brokers = Array.from({ length: PUBLISHERS }, () => new RedisBroker(redis.url, options, randomUUID()));
  await Promise.all(brokers.map((broker, i) => broker.start(i === 0 ? heard : new Heard())));
  await brokers[0]!.subscribe('a');
  await publishFrom(brokers, (broker, n) => broker.publish([publication('a', n)]));
  await until(() => heard.events.length === PUBLISHERS * EVENTS_EACH);
  expect(countInversions(heard.events.map(({ record }) => record.position))).toBe(0);
  await Promise.all(brokers.map((broker) => broker.close()));
});

it('would not, with XADD and PUBLISH as two commands (negative control)', async () => {
  const subscriber = redis.client();
  const positions: number[] = [];
  subscriber.on('message', (_channel, id: string) => positions.push(idToNumber(id)));
  await subscriber.subscribe('live');
  await publishFrom<Redis>(
    Array.from({ length: PUBLISHERS }, () => redis.client()),
    async (client, n) => client.publish('live', (await client.xadd('log', '*', 'n', n))!),
  );
  await until(() => positions.length === PUBLISHERS * EVENTS_EACH);
  // How many depends on the machine: 23 on a busy one, hundreds as a rule.
  expect(countInversions(positions)).toBeGreaterThan(0);
});
