import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { until } from '@nestjs-sse-redis/testing';
import { RedisUnavailableError } from 'nestjs-sse-redis';
import { failedStart, failureOf, Hubs } from '../hub/hubs.js';

const hubs = Hubs.over('redis');

beforeEach(() => void jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined));
afterEach(() => jest.restoreAllMocks());

const urlOf = (access: string, database: number): string =>
  `redis://${access}127.0.0.1:${hubs.redis.port}/${database}`;

it('fails to start, and says why, on a database that the server does not have', async () => {
  const words = /Database 20 cannot be used: ERR DB index is out of range/;
  const redis = urlOf('', 20);
  const failure = await failedStart(words, (connectTimeout) => hubs.start({ redis, connectTimeout }));
  expect(failure).toBeInstanceOf(RedisUnavailableError);
  expect(failure.message).toMatch(words);
});

it.each([
  ['select it', ['-select']],
  // ioredis goes on where the ACL hides INFO.
  ['select it or see INFO', ['-select', '-info']],
])('fails to start, and says why, with a database and a user that must not %s', async (_, rights) => {
  jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  await hubs.redis.cli('ACL', 'SETUSER', 'none', 'reset', 'on', '>pw', '~*', '&*', '+@all', ...rights);
  const words = /Database 3 cannot be used: .*no permissions to run the 'select' command/;
  const redis = urlOf('none:pw@', 3);
  const failure = await failedStart(words, (connectTimeout) => hubs.start({ redis, connectTimeout }));
  expect(failure).toBeInstanceOf(RedisUnavailableError);
  expect(failure.message).toMatch(words);
});

it('stores nothing in database 0 while a new connection is refused its own, and goes on when it has it', async () => {
  const change = (right: string) => hubs.redis.cli('ACL', 'SETUSER', 'some', right);
  await hubs.redis.cli('ACL', 'SETUSER', 'some', 'on', '>pw', '~*', '&*', '+@all');
  const test = await hubs.start({ redis: urlOf('some:pw@', 3), publishTimeout: 2_000 });
  const client = await test.client(['news']);
  await test.hub.publish('news', { data: 'before' });
  await change('-select');
  await hubs.redis.cli('CLIENT', 'KILL', 'USER', 'some');
  await until(async () => !(await test.hub.readiness()).ready);
  expect(await failureOf(test.hub.publish('news', { data: 'lost' }))).toMatchObject({
    code: 'REDIS_UNAVAILABLE',
  });
  await change('+select');
  await until(async () => (await test.hub.readiness()).ready);
  await test.hub.publish('news', { data: 'after' });
  await client.waitFor(2);
  expect(client.messages.map(({ data }) => data)).toEqual(['before', 'after']);
  expect(await hubs.redis.cli('DBSIZE')).toBe(0);
});
