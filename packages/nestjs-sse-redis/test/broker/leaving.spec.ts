import { RedisServer } from '@nestjs-sse-redis/testing';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { RedisUnavailableError } from 'nestjs-sse-redis';
import type { Redis } from 'ioredis';
import { Commands } from '../../src/broker/redis/commands.js';
import { Outage } from '../../src/broker/redis/outage.js';
import { Script } from '../../src/broker/redis/script.js';
import { failureOf } from '../hub/hubs.js';

/** No test comes near it. */
const WITHIN_MS = 60_000;
const COUNT = new Script("return redis.call('INCR', KEYS[1])");

let server: RedisServer;
let redis: Redis;
let commands: Commands;

beforeAll(async () => (server = await RedisServer.start()));
afterAll(() => server.stop());
beforeEach(async () => {
  // As the hub's own: what was sent over a connection is not sent again over the next.
  const options = { autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0, disconnectTimeout: 200 };
  redis = server.client({ ...options, enableOfflineQueue: false });
  await once(redis, 'ready');
  await redis.flushall();
  await redis.script('LOAD', COUNT.source);
  const outage = new Outage('redis', () => Promise.resolve());
  commands = new Commands(redis, 'redis', 'some', outage, WITHIN_MS, false, undefined);
});
afterEach(() => redis.disconnect());

const count = () => commands.read(COUNT, { keys: ['n'], args: [] });

async function close(): Promise<void> {
  const closed = once(redis, 'close');
  redis.disconnect(true);
  await closed;
}

describe('a connection that a hub leaves', () => {
  it('answers first what was sent over it', async () => {
    const sent = count();
    await Promise.resolve();
    await commands.leave(WITHIN_MS, close);
    expect(await sent).toBe(1);
  });

  it('answers what is sent in the turn in which it is left', async () => {
    const [sent] = await Promise.all([count(), commands.leave(WITHIN_MS, close)]);
    expect(sent).toBe(1);
  });

  it('answers a script that has to be loaded again', async () => {
    await redis.script('FLUSH');
    const [sent] = await Promise.all([count(), commands.leave(WITHIN_MS, close)]);
    expect(sent).toBe(1);
  });

  it('is sent nothing more: what is asked for is refused, and was not done', async () => {
    const left = commands.leave(WITHIN_MS, close);
    const failures = [failureOf(count())];
    await nextTurn();
    failures.push(failureOf(count()));
    for (const failure of await Promise.all(failures)) {
      expect(failure).toBeInstanceOf(RedisUnavailableError);
      expect(failure.message).toContain('nothing was done');
    }
    await left;
    if (redis.status !== 'ready') await once(redis, 'ready');
    expect(await count()).toBe(1);
  });

  it('is left without an answer when the time is up', async () => {
    await redis.client('PAUSE', WITHIN_MS, 'WRITE');
    const sent = failureOf(count());
    await commands.leave(50, close);
    expect((await sent).message).toContain('may have been done, or not');
    await server.cli('CLIENT', 'UNPAUSE');
  });
});

describe('a wait for another attempt', () => {
  it('ends as soon as there is a new connection', async () => {
    const began = performance.now();
    const waits = [commands.pause(WITHIN_MS), commands.pause(WITHIN_MS)];
    await close();
    await Promise.all(waits);
    expect(performance.now() - began).toBeLessThan(WITHIN_MS);
  });

  it('ends when its time is up', async () => {
    const began = performance.now();
    await commands.pause(50);
    // A timer of Node may come a millisecond early.
    expect(performance.now() - began).toBeGreaterThanOrEqual(49);
  });
});
