import { setTimeout as delay } from 'node:timers/promises';
import { defineChannel } from 'nestjs-sse-redis';
import type { SsePublisher } from '../../src/publisher/index.js';
import { failureOf, Hubs } from '../hub/hubs.js';
import { readRights } from './documented-rights.js';
import { Scene } from './publishers.js';

const hubs = Hubs.over('redis');
const boards = defineChannel('board:{id}', { state: { maxKeys: 2 } });
const alarms = defineChannel('alarm:{id}', { history: { ttl: 60_000 } });
const channels = [boards, alarms];
/** Longer than a connection passes for alive. */
const RESTED_MS = 5_500;

let scene: Scene;
let users = 0;

beforeEach(async () => (scene = await Scene.start(hubs, { channels })));

async function createUser(rights: readonly string[]): Promise<SsePublisher> {
  const user = `publisher-${++users}`;
  const tag = `{${scene.prefix}}`;
  await hubs.redis.cli(
    ...['ACL', 'SETUSER', user, 'reset', 'on', '>pw', `~${tag}:*`, 'resetchannels', `&${tag}:*`],
    ...rights,
  );
  return scene.publisher({ redis: `redis://${user}:pw@127.0.0.1:${hubs.redis.port}`, channels });
}

it('publishes to logs of all kinds with the rights that the docs name', async () => {
  const { script, more } = readRights();
  const publisher = await createUser([...script, ...more]);
  const board = boards({ id: 1 });
  for (let i = 0; i < 8; i++) {
    await publisher.publish('news', { data: i }, { idempotencyKey: `k${i}` });
    await publisher.publish(alarms({ id: 1 }), { data: i });
    await publisher.publish(board, { data: i }, { key: `key${i}` });
    await publisher.remove(board, `key${i}`);
  }
  expect((await scene.test.hub.history(board)).events).toEqual([]);
  expect(await scene.test.dataIn(alarms({ id: 1 }).name)).toHaveLength(8);
});

it('proves a connection that has rested with the rights that the docs name', async () => {
  const { script } = readRights();
  const publisher = await createUser(script);
  await publisher.publish('news', { data: 'first' });
  await delay(RESTED_MS);
  await publisher.publish('news', { data: 'rested' });
  expect(await scene.test.dataIn('news')).toEqual(['first', 'rested']);
});

it.each(['+zadd', '+zcard', '+zrem', '+zrangebyscore', '+xdel', '+zscore', '+pexpire'])(
  'stores nothing of the event of a state channel, and sends it to nobody, without %s',
  async (right) => {
    const { script, more } = readRights();
    const publisher = await createUser([...script, ...more].filter((name) => name !== right));
    const channel = boards({ id: 1 });
    const { hub } = scene.test;
    await hub.publish(channel, { data: 'gone' }, { key: 'b' });
    await hub.remove(channel, 'b');
    await hub.publish(channel, { data: 'before' }, { key: 'a' });
    const client = await scene.test.client([channel.name]);
    await client.waitForBlock(({ message }) => message?.data.includes('complete') === true);
    const failure = await failureOf(publisher.publish(channel, { data: 'refused' }, { key: 'a' }));
    expect(failure).toMatchObject({ code: 'REDIS_FORBIDDEN' });
    await hub.publish(channel, { data: 'after' }, { key: 'b' });
    await client.waitForBlock(({ message }) => message?.data === 'after');
    expect(client.messages.map(({ data }) => data).filter((data) => !data.startsWith('{'))).toEqual([
      'before',
      'after',
    ]);
    expect(await scene.test.dataIn(channel.name)).toEqual(['before', 'after']);
  },
);

it.each(['+zadd', '+zremrangebyscore'])(
  'stores nothing of an event that leaves a tombstone, and sends it to nobody, without %s',
  async (right) => {
    const { script, more } = readRights();
    const publisher = await createUser([...script, ...more].filter((name) => name !== right));
    const { name } = alarms({ id: 1 });
    const client = await scene.test.client([name]);
    const failure = await failureOf(publisher.publish(alarms({ id: 1 }), { data: 'refused' }));
    expect(failure).toMatchObject({ code: 'REDIS_FORBIDDEN' });
    await scene.test.hub.publish(alarms({ id: 1 }), { data: 'after' });
    const [message] = await client.waitFor(1);
    expect(message!.data).toBe('after');
    expect(await scene.test.dataIn(name)).toEqual(['after']);
  },
);
