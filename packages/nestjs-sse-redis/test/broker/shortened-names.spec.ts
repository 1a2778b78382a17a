import { Redis } from 'ioredis';
import { randomUUID } from 'node:crypto';
import { RedisRefusedError } from 'nestjs-sse-redis';
import { failureOf, Hubs } from '../hub/hubs.js';

const hubs = Hubs.over('redis');
let replyError: object;

// ioredis 5 has the name of its class for that of an error, and minifiers shorten it. In ioredis 6 it is a constant.
beforeAll(async () => {
  const redis = new Redis(hubs.redis.url);
  const error = await failureOf(redis.call('NO-COMMAND'));
  redis.disconnect();
  replyError = Object.getPrototypeOf(error) as object;
  expect(error.name).toBe('ReplyError');
  Object.defineProperty(replyError, 'name', { value: 'r', configurable: true });
});
afterAll(() => Object.defineProperty(replyError, 'name', { value: 'ReplyError' }));

/** Options of a user with all rights but some. */
async function without(...rights: string[]) {
  const username = `user-${randomUUID()}`;
  await hubs.redis.cli('ACL', 'SETUSER', username, 'on', '>pw', '~*', '&*', '+@all', ...rights);
  const redis = { host: '127.0.0.1', port: hubs.redis.port, username, password: 'pw' };
  return { username, options: { redis } };
}

describe('in a bundle with shortened names of classes', () => {
  it('rejects a publish that Redis refuses with the reason', async () => {
    const { username, options } = await without();
    const test = await hubs.start(options);
    await hubs.redis.cli('ACL', 'SETUSER', username, '-evalsha');
    const failure = await failureOf(test.hub.publish('a', { data: 1 }));
    expect(failure).toBeInstanceOf(RedisRefusedError);
    expect(failure).toMatchObject({ code: 'REDIS_FORBIDDEN', cause: { name: 'r' } });
  });

  it('starts on a server whose INFO is forbidden', async () => {
    const { options } = await without('-info');
    const test = await hubs.start(options);
    const client = await test.client(['a']);
    await test.hub.publish('a', { data: 1 });
    await client.waitFor(1);
  });

  it('fails to start with the reason where a subscription is refused', async () => {
    const { options } = await without('resetchannels');
    expect(await failureOf(hubs.start(options))).toMatchObject({ code: 'REDIS_FORBIDDEN' });
  });
});
