import { until } from '@nestjs-sse-redis/testing';
import {
  createPublisher,
  HubClosedError,
  InvalidChannelError,
  InvalidEventError,
  InvalidOptionsError,
  NotReplicatedError,
  PayloadTooLargeError,
  type PublisherOptions,
} from '../../src/publisher/index.js';
import { dataOf, failureOf, Hubs } from '../hub/hubs.js';
import { Scene } from './publishers.js';

const hubs = Hubs.over('redis');

/** The connections of Redis by their last command, without that of the test. */
async function connectionsOf(): Promise<string[]> {
  const list = String(await hubs.redis.cli('CLIENT', 'LIST'));
  return list
    .trim()
    .split('\n')
    .filter((line) => !/ cmd=client/.test(line));
}

describe('a publisher', () => {
  it('publishes what clients of a hub receive, in order with what the hub publishes, under the ids that are returned', async () => {
    const { test, ...scene } = await withScene();
    const publisher = scene.publisher();
    const client = await test.client(['news']);
    const ids: string[] = [];
    for (let i = 0; i < 10; i++) {
      const from = i % 2 === 0 ? publisher : test.hub;
      ids.push((await from.publish('news', { type: 'tick', data: { i } })).id);
    }
    const messages = await client.waitFor(10);
    expect(messages.map(({ id, data }) => [id, JSON.parse(data)])).toEqual(ids.map((id, i) => [id, { i }]));
  });

  it('publishes many in one round trip, each with a result of its own', async () => {
    const { test, ...scene } = await withScene();
    const results = await scene.publisher().publishMany([
      { channel: 'a', data: 1 },
      { channel: 'a', type: 'error', data: 2 },
      { channel: 'a', data: 3, idempotencyKey: 'k' },
      { channel: 'a', data: 4, idempotencyKey: 'k' },
    ]);
    const [first, refused, third, again] = results as { id: string; error: Error }[];
    expect(refused!.error).toBeInstanceOf(InvalidEventError);
    expect(again).toEqual(third);
    const { events } = await test.hub.history('a');
    expect(events.map(({ id, data }) => [id, data])).toEqual([
      [first!.id, 1],
      [third!.id, 3],
    ]);
  });

  it('opens one connection, with the first publish, and subscribes to nothing', async () => {
    const before = (await connectionsOf()).length;
    const publisher = createPublisher({ redis: hubs.redis.url, prefix: 'alone' });
    hubs.closeLater(() => publisher.close());
    expect(await connectionsOf()).toHaveLength(before);
    await Promise.all([publisher.publish('a', { data: 1 }), publisher.publish('b', { data: 2 })]);
    const connections = await connectionsOf();
    expect(connections).toHaveLength(before + 1);
    expect(connections.filter((line) => !/ sub=0 psub=0 /.test(line))).toEqual([]);
    await publisher.close();
    await until(async () => (await connectionsOf()).length === before);
  });

  it('keeps the order in which publishes begin, also of those that wait for the connection', async () => {
    const { test, ...scene } = await withScene();
    const publisher = scene.publisher();
    const numbers = Array.from({ length: 200 }, (_, i) => i);
    const first = publisher.publish('a', { data: -1 });
    const later = numbers.map(async (i) => {
      // Some begin in later turns, while the connection is being made, and after.
      for (let turn = 0; turn < i % 20; turn++) await new Promise(setImmediate);
      return (await publisher.publish('a', { data: i })).id;
    });
    await first;
    const began = await Promise.all(later);
    const { events } = await test.hub.history('a', { limit: 1_000 });
    const order = numbers.toSorted((one, other) => (one % 20) - (other % 20) || one - other);
    expect(dataOf({ events })).toEqual([-1, ...order]);
    expect(new Set(began).size).toBe(200);
  });

  it('makes the checks of the hub', async () => {
    const { publisher: make } = await withScene();
    const publisher = make({ limits: { payloadBytes: 10 } });
    const failures = await Promise.all([
      failureOf(publisher.publish('user:undefined', { data: 1 })),
      failureOf(publisher.publish('a', { type: 'x\nevent: y', data: 1 })),
      failureOf(publisher.publish('a', { data: 'more than ten' })),
      failureOf(publisher.publish('a', { data: 1 }, { replicas: 1, ephemeral: true })),
      failureOf(publisher.publish('a', { data: 1 }, { replicas: 1 })),
    ]);
    const classes = [
      InvalidChannelError,
      InvalidEventError,
      PayloadTooLargeError,
      InvalidEventError,
      NotReplicatedError,
    ];
    expect(failures.map(({ constructor }) => constructor)).toEqual(classes);
  });

  it('serializes data, and publishes ephemeral events that are kept nowhere', async () => {
    const { test, ...scene } = await withScene();
    const publisher = scene.publisher({ serialize: (data, { channel }) => ({ data, channel }) });
    const client = await test.client(['a']);
    await publisher.publish('a', { data: 1 }, { ephemeral: true });
    await publisher.publish('a', { data: 2 });
    const messages = await client.waitFor(2);
    expect(messages.map(({ data }) => JSON.parse(data) as unknown)).toEqual([
      { data: 1, channel: 'a' },
      { data: 2, channel: 'a' },
    ]);
    expect(await test.dataIn('a')).toEqual([{ data: 2, channel: 'a' }]);
  });

  it('asks for credentials before it connects', async () => {
    const rights = ['~{acl}:*', 'resetchannels', '&{acl}:*', '+@all'];
    await hubs.redis.cli('ACL', 'SETUSER', 'worker', 'on', '>pw', ...rights);
    const publisher = createPublisher({
      redis: hubs.redis.url,
      prefix: 'acl',
      redisCredentials: () => Promise.resolve({ username: 'worker', password: 'pw' }),
    });
    hubs.closeLater(() => publisher.close());
    await publisher.publish('a', { data: 1 });
    expect((await connectionsOf()).filter((line) => line.includes('user=worker'))).toHaveLength(1);
  });

  it('refuses another number of shards than the hub has, and sends nothing', async () => {
    const { test, ...scene } = await withScene();
    const publisher = scene.publisher({ shards: 3 });
    const failure = await failureOf(publisher.publish('a', { data: 1 }));
    expect(failure).toBeInstanceOf(InvalidOptionsError);
    expect(failure.message).toMatch(/set to shards 3, and the hub with this prefix has 1/);
    expect(await test.dataIn('a')).toEqual([]);
  });
});

describe('close() of a publisher', () => {
  it('waits for publishes that were begun, and refuses later ones', async () => {
    const { test, ...scene } = await withScene();
    const publisher = scene.publisher();
    const publishing = Array.from({ length: 100 }, (_, i) => publisher.publish('a', { data: i }));
    const closing = publisher.close();
    expect(await failureOf(publisher.publish('a', { data: 'late' }))).toBeInstanceOf(HubClosedError);
    await closing;
    const ids = await Promise.all(publishing);
    expect(ids).toHaveLength(100);
    expect(await test.dataIn('a')).toHaveLength(100);
    await publisher.close();
    await publisher[Symbol.asyncDispose]();
  });

  it('ends one that was never used', async () => {
    const publishers = [{ redis: hubs.redis.url }, { redis: 'redis://127.0.0.1:1', shards: 4 }].map(
      createPublisher,
    );
    await Promise.all(publishers.map((publisher) => publisher.close()));
    const publishing = publishers.map((publisher) => failureOf(publisher.publish('a', { data: 1 })));
    for (const failure of await Promise.all(publishing)) expect(failure).toBeInstanceOf(HubClosedError);
  });
});

describe('createPublisher()', () => {
  const url = 'redis://127.0.0.1:1';

  it.each([
    ['no object', url, /createPublisher\(\) takes an options object.*it got a string/],
    ['no redis', {}, /redis is missing\. A publisher needs the Redis of the hub/],
    ['an undefined redis', { redis: undefined }, /redis is undefined: is the environment variable set/],
    ['the embedded broker', { redis: 'embedded' }, /redis is 'embedded', the broker of one process/],
    ['an option of the hub alone', { redis: url, heartbeatInterval: 5_000 }, /there is no option "heartbeatInterval" \(there are redis, redisCredentials, prefix,/], // prettier-ignore
    ['an inner option of the hub alone', { redis: url, limits: { connections: 5 } }, /there is no option "limits\.connections" \(there are payloadBytes\)/], // prettier-ignore
    ['a value out of its range', { redis: url, history: { ttl: 5 } }, /history\.ttl takes a whole number from 1000/], // prettier-ignore
    ['several mistakes', { redis: 'x', prefix: '{' }, /redis takes a URL.*; prefix takes/],
  ])('refuses %s, and says what it takes', (_, options, words) => {
    const create = () => createPublisher(options as unknown as PublisherOptions);
    expect(create).toThrow(InvalidOptionsError);
    expect(create).toThrow(words);
  });
});

async function withScene() {
  const scene = await Scene.start(hubs);
  return { test: scene.test, publisher: (options?: Partial<PublisherOptions>) => scene.publisher(options) };
}
