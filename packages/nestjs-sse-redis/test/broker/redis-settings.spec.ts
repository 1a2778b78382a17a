import { freePort, until, useRedis } from '@nestjs-sse-redis/testing';
import { Redis } from 'ioredis';
import { RedisSettings } from '../../src/broker/redis/redis-settings.js';
import { MAX_TIMER, resolveOptions } from '../../src/options/resolved-options.js';

const redis = useRedis();

it('the commandTimeout of the application gives up no command of the subscriber, which Redis will still carry out', async () => {
  const mine = new Redis(redis.port, '127.0.0.1', { lazyConnect: true, commandTimeout: 3_000 });
  const settings = new RedisSettings(mine, resolveOptions({ redis: mine }));
  const [subscriber, commands] = [settings.createSubscriberConnection(), settings.createCommandConnection()];
  try {
    await Promise.all([subscriber.connect(), commands.connect()]);
    redis.pause();
    const subscribed = subscriber.subscribe('a');
    // The twin, later and of the same length: when it is over, so were the other's.
    await expect(commands.ping()).rejects.toThrow('Command timed out');
    redis.resume();
    expect(await subscribed).toBe(1);
  } finally {
    redis.resume();
    subscriber.disconnect();
    commands.disconnect();
  }
});

it('a publishTimeout as long as may be is none of 1 ms for the socket', () => {
  const options = resolveOptions({ redis: redis.url, publishTimeout: MAX_TIMER });
  const { socketTimeout } = new RedisSettings(options.redis!, options).createCommandConnection().options;
  expect(socketTimeout).toBe(MAX_TIMER);
});

it('a sentinelRetryStrategy that gives up ends no connection while no Sentinel answers', async () => {
  const redis = {
    sentinels: [{ host: '127.0.0.1', port: await freePort() }],
    name: 'main',
    sentinelRetryStrategy: () => null,
  };
  const connection = new RedisSettings(redis, resolveOptions({ redis })).createCommandConnection();
  try {
    let failures = 0;
    connection.on('error', () => failures++);
    connection.connect().catch(() => undefined);
    await until(() => failures > 1);
    expect(connection.status).toBe('connecting');
  } finally {
    connection.disconnect();
  }
});

it.each([
  ['valkey://user:pw@one:6380/3', false],
  ['valkeys://user:pw@one:6380/3', true],
])('the URL %s of Valkey is that of a Redis', (url, isTls) => {
  const options = resolveOptions({ redis: url });
  const { host, port, username, password, db, tls } = new RedisSettings(
    options.redis!,
    options,
  ).createCommandConnection().options;
  expect({ host, port, username, password, db }).toEqual({
    ...{ host: 'one', port: 6380, db: 3 },
    ...{ username: 'user', password: 'pw' },
  });
  expect(Boolean(tls)).toBe(isTls);
});
