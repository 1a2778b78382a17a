import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { RedisServer, until } from '@nestjs-sse-redis/testing';
import { InvalidEventError, NotReplicatedError } from 'nestjs-sse-redis';
import { failureOf, Hubs } from '../hub/hubs.js';

const hubs = Hubs.over('redis');
let replica: RedisServer;

beforeAll(async () => {
  replica = await RedisServer.start({ args: ['--replicaof', '127.0.0.1', String(hubs.redis.port)] });
  await until(async () => /state=online/.test(String(await hubs.redis.cli('INFO', 'replication'))));
});
afterAll(() => replica.stop());

/** The replica hangs: its connection stands, and it acknowledges nothing. */
async function withHungReplica<T>(work: () => Promise<T>): Promise<T> {
  process.kill(replica.pid, 'SIGSTOP');
  try {
    return await work();
  } finally {
    process.kill(replica.pid, 'SIGCONT');
  }
}

it('resolves when the replica has the event', async () => {
  const { hub } = await hubs.start({ replicas: 1, prefix: 'has' });
  // The same event, until it is acknowledged in time: a replica of a busy machine may take longer than a publish waits.
  const { id } = await until(() => hub.publish('news', { data: 1 }, { idempotencyKey: 'k' }));
  expect(String(await replica.cli('XRANGE', '{has}:log:news', '-', '+'))).toContain(id);
});

it('rejects where the replica does not have it, which is stored and announced all the same', async () => {
  const test = await hubs.start({ replicas: 1 });
  const client = await test.client(['news']);
  const failure = await withHungReplica(() => failureOf(test.hub.publish('news', { data: 1 })));
  expect(failure).toBeInstanceOf(NotReplicatedError);
  expect(failure).toMatchObject({ code: 'NOT_REPLICATED', statusCode: 503, replicas: 0 });
  expect(failure.message).toMatch(/0 of 1 replicas have it.*Do not publish it again/);
  await client.waitFor(1);
  const { events } = await test.hub.history('news');
  expect(events.map(({ id, data }) => [id, data])).toEqual([[failure.id, 1]]);
});

it('resolves without waiting where nobody asked for replicas (control)', async () => {
  const { hub } = await hubs.start();
  const published = await withHungReplica(() => hub.publish('news', { data: 1 }));
  expect(published).toEqual({ id: expect.any(String) });
});

it('takes the number for one event', async () => {
  const { hub } = await hubs.start({ replicas: 1 });
  await withHungReplica(async () => {
    await hub.publish('news', { data: 1 }, { replicas: 0 });
    const [asked, notAsked, ephemeral] = await hub.publishMany([
      { channel: 'news', data: 2 },
      { channel: 'news', data: 3, replicas: 0 },
      { channel: 'news', data: 4, ephemeral: true },
    ]);
    expect(asked).toEqual({ error: expect.any(NotReplicatedError) });
    expect(notAsked).toEqual({ id: expect.any(String) });
    expect(ephemeral).toEqual({ id: expect.any(String) });
  });
});

it('says how many have it, and asks again for an event with the same idempotency key', async () => {
  const { hub } = await hubs.start({ prefix: 'again' });
  const publish = (replicas: number) => hub.publish('news', { data: 1 }, { idempotencyKey: 'k', replicas });
  const failure = await until(async () => {
    const found = await failureOf(publish(2));
    return found['replicas'] === 1 && found;
  });
  expect(failure).toMatchObject({ code: 'NOT_REPLICATED', replicas: 1 });
  expect(failure.message).toContain('Publish it again with the same idempotencyKey');
  expect(await until(() => publish(1))).toEqual({ id: failure.id });
  expect((await hub.history('news')).events).toHaveLength(1);
});

it('does not make pipes wait', async () => {
  const test = await hubs.start({ replicas: 1 });
  await withHungReplica(() => test.hub.pipe('answer', ['a', 'b']));
  expect(await test.dataIn('answer')).toEqual(expect.arrayContaining(['a', 'b']));
});

it.each([-1, 1.5, 101, Number.NaN])('refuses %p replicas', async (replicas) => {
  const { hub } = await hubs.start();
  expect(await failureOf(hub.publish('news', { data: 1 }, { replicas }))).toBeInstanceOf(InvalidEventError);
});

it('refuses replicas for an ephemeral event', async () => {
  const { hub } = await hubs.start();
  const failure = await failureOf(hub.publish('news', { data: 1 }, { replicas: 1, ephemeral: true }));
  expect(failure.message).toMatch(/ephemeral event is stored nowhere/);
});

it('warns at the start where there are fewer replicas', async () => {
  const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  await hubs.start({ replicas: 2 });
  expect(warn).toHaveBeenCalledWith(
    expect.stringMatching(/has 1 replicas, and the option replicas asks for 2/),
  );
  jest.restoreAllMocks();
});
