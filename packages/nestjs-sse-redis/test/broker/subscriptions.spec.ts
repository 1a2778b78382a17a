import { RedisServer, until } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import { Heard } from './broker-set-ups.js';

let redis: RedisServer;
let broker: RedisBroker;

beforeAll(async () => {
  redis = await RedisServer.start();
  broker = new RedisBroker(redis.url, resolveOptions({ redis: redis.url }), randomUUID());
  await broker.start(new Heard());
});
afterAll(async () => {
  await broker.close();
  await redis.stop();
});

/** The channels that somebody is on, without the probe's. */
async function subscribed(): Promise<string[]> {
  const channels = (await redis.cli('PUBSUB', 'CHANNELS', '{sse}:live:0:c:*')) as string[];
  return channels.map((name) => name.replace('{sse}:live:0:c:', '')).toSorted();
}

it('names each channel once, however many ask for it', async () => {
  await Promise.all(['a', 'b', 'a'].map((channel) => broker.subscribe(channel)));
  expect(await subscribed()).toEqual(['a', 'b']);
  broker.unsubscribe('a');
  broker.unsubscribe('b');
  await until(async () => (await subscribed()).length === 0);
});

it('leaves nothing behind of a channel that is left, wanted and left in one tick', async () => {
  await broker.subscribe('a');
  broker.unsubscribe('a');
  const again = broker.subscribe('a');
  broker.unsubscribe('a');
  await again;
  await until(async () => (await subscribed()).length === 0);
});

it('leaves nothing behind of 20,000 channels', async () => {
  const channels = Array.from({ length: 20_000 }, (_, i) => `channel:${i}`);
  await Promise.all(channels.map((channel) => broker.subscribe(channel)));
  expect(await subscribed()).toHaveLength(20_000);
  for (const channel of channels) broker.unsubscribe(channel);
  await until(async () => (await subscribed()).length === 0);
});
