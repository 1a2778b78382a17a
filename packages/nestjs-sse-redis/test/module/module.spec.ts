import { forEachAdapter, SseStream, until } from '@nestjs-sse-redis/testing';
import { Injectable, Module, type DynamicModule } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { SseHub, SseRedisModule, type SseRedisOptions, type SseRedisOptionsFactory } from 'nestjs-sse-redis';

import {
  closing,
  connections,
  feature,
  keysOf,
  keysUnder,
  NewsController,
  Newsroom,
  redis,
  start,
  startHub,
  useRedis,
} from './application.js';

useRedis();

describe('SseRedisModule.forRoot', () => {
  it('needs no options: the embedded broker serves one process', async () => {
    const { app } = await start({ imports: [SseRedisModule.forRoot()] });
    const hub = app.get(SseHub);
    await hub.publish('a', { data: 1 });
    expect((await hub.history('a')).events).toMatchObject([{ data: 1 }]);
    expect(await redis.cli('KEYS', '*')).toEqual([]);
  });

  it('takes a URL', async () => {
    expect(await keysOf(await startHub({ redis: redis.url }))).toEqual(keysUnder('{sse}'));
  });

  it('takes a URL with user, password and database', async () => {
    await redis.cli('ACL', 'SETUSER', 'app', 'on', '>p@ss/word', '~*', '&*', '+@all');
    const url = `redis://app:p%40ss%2Fword@127.0.0.1:${redis.port}/3`;
    expect(await keysOf(await startHub({ redis: url, prefix: 'mine' }), 3)).toEqual(keysUnder('{mine}'));
  });

  it('takes ioredis options', async () => {
    const hub = await startHub({
      redis: { host: '127.0.0.1', port: redis.port, db: 2, keyPrefix: 'app:' },
      prefix: 'mine',
    });
    expect(await keysOf(hub, 2)).toEqual(keysUnder('{app:mine}'));
  });

  it('takes an existing Redis, which stays usable, open and as it was', async () => {
    const mine = new Redis(redis.port, '127.0.0.1', { keyPrefix: 'app:', db: 1, connectionName: 'mine' });
    closing.push(() => mine.disconnect());
    await mine.set('before', 1);
    const listeners = () => mine.eventNames().map((name) => [name, mine.listenerCount(name)]);
    const before = { connections: await connections(), listeners: listeners() };
    const { app, close } = await start({ imports: [SseRedisModule.forRoot({ redis: mine })] });
    await mine.del('before');
    expect(await keysOf(app.get(SseHub), 1)).toEqual(keysUnder('{app:sse}'));
    expect(mine.status).toBe('ready');
    // Two of its own, and it subscribes on neither of mine.
    expect(await connections()).toHaveLength(before.connections.length + 2);
    await mine.set('during', 1);
    await close();
    await until(async () => String(await connections()) === String(before.connections));
    expect(await mine.get('during')).toBe('1');
    expect(mine.status).toBe('ready');
    expect(listeners()).toEqual(before.listeners);
  });

  it('takes an existing Redis that has not connected, and does not connect it', async () => {
    const mine = new Redis(redis.port, '127.0.0.1', { lazyConnect: true });
    expect(await keysOf(await startHub({ redis: mine }))).toEqual(keysUnder('{sse}'));
    expect(mine.status).toBe('wait');
  });

  it.each([
    ['stringNumbers', { stringNumbers: true }],
    ['enableAutoPipelining', { enableAutoPipelining: true }],
    ['no offline queue', { enableOfflineQueue: false, maxRetriesPerRequest: 1 }],
    ['a command time-out', { commandTimeout: 1_000 }],
    ['a retry strategy that gives up', { retryStrategy: () => null }],
    ['a reconnectOnError that sends commands again', { reconnectOnError: () => 2 as const }],
    ['lazyConnect', { lazyConnect: true }],
  ])('works with ioredis options made for other purposes: %s', async (_name, options) => {
    const mine = new Redis(redis.port, '127.0.0.1', options);
    closing.push(() => mine.disconnect());
    const { app, url } = await start({
      imports: [SseRedisModule.forRoot({ redis: mine, probeInterval: 250 })],
      controllers: [NewsController],
    });
    const hub = app.get(SseHub);
    const { id: first } = await hub.publish('news', { data: 1 });
    const stream = SseStream.open(`${url}/news`, { lastEventId: first });
    closing.push(() => stream.close());
    await stream.waitForBlock(({ id }) => id !== undefined);
    const { id } = await hub.publish('news', { data: 2 });
    expect(await stream.waitFor(1)).toEqual([{ id, type: 'message', data: '2' }]);
    expect(await hub.history('news', { after: first })).toMatchObject({ events: [{ id }], gap: false });
    // Its link is up, and stays up.
    await redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await until(async () => {
      await hub.publish('news', { data: 'after' });
      return stream.messages.some(({ data }) => data === 'after');
    });
  });

  it('closes every connection that it opened', async () => {
    const before = await connections();
    const running = await start({ imports: [SseRedisModule.forRoot({ redis: redis.url })] });
    expect(await connections()).toHaveLength(before.length + 2);
    const subscription = running.app.get(SseHub).events('a').subscribe();
    await running.close();
    subscription.unsubscribe();
    await until(async () => String(await connections()) === String(before));
  });
});

describe('SseRedisModule.forRootAsync', () => {
  const OPTIONS = Symbol('options');

  @Injectable()
  class Config implements SseRedisOptionsFactory {
    async createSseRedisOptions(): Promise<SseRedisOptions> {
      return await Promise.resolve({ redis: redis.url, prefix: 'configured' });
    }
  }

  @Module({
    providers: [Config, { provide: OPTIONS, useValue: { prefix: 'injected' } }],
    exports: [Config, OPTIONS],
  })
  class ConfigModule {}

  it.each<[string, string, () => DynamicModule]>([
    [
      'useFactory',
      '{made}',
      () => SseRedisModule.forRootAsync({ useFactory: () => ({ redis: redis.url, prefix: 'made' }) }),
    ],
    [
      'an asynchronous useFactory, with inject and imports',
      '{injected}',
      () =>
        SseRedisModule.forRootAsync({
          imports: [ConfigModule],
          inject: [OPTIONS],
          useFactory: async (options: SseRedisOptions) =>
            await Promise.resolve({ ...options, redis: redis.url }),
        }),
    ],
    ['useClass', '{configured}', () => SseRedisModule.forRootAsync({ useClass: Config })],
    [
      'useExisting',
      '{configured}',
      () => SseRedisModule.forRootAsync({ imports: [ConfigModule], useExisting: Config }),
    ],
  ])('takes %s', async (_name, prefix, importModule) => {
    const { app } = await start({ imports: [importModule()], providers: [Newsroom] });
    expect(app.get(Newsroom).hub).toBe(app.get(SseHub));
    expect(await keysOf(app.get(SseHub))).toEqual(keysUnder(prefix));
  });

  it('gives a connection of the application to the module', async () => {
    @Module({
      providers: [{ provide: Redis, useFactory: () => new Redis(redis.port, '127.0.0.1') }],
      exports: [Redis],
    })
    class RedisModule {}
    const { app } = await start({
      imports: [
        SseRedisModule.forRootAsync({
          imports: [RedisModule],
          inject: [Redis],
          useFactory: (redis: Redis) => ({ redis }),
        }),
      ],
    });
    closing.push(() => app.get(Redis, { strict: false }).disconnect());
    expect(await keysOf(app.get(SseHub))).toEqual(keysUnder('{sse}'));
  });
});

describe.each([
  ['forRoot', (isGlobal?: boolean) => SseRedisModule.forRoot({ isGlobal })],
  ['forRootAsync', (isGlobal?: boolean) => SseRedisModule.forRootAsync({ isGlobal, useFactory: () => ({}) })],
])('isGlobal of %s', (_name, importModule) => {
  it('makes the hub injectable in modules that do not import it', async () => {
    const { app } = await start({ imports: [importModule(true), feature()] });
    expect(app.get(Newsroom, { strict: false }).hub).toBe(app.get(SseHub));
  });

  it.each([false, undefined])('does not where it is %p', async (isGlobal) => {
    const module = Test.createTestingModule({ imports: [importModule(isGlobal), feature()] });
    await expect(module.compile()).rejects.toThrow(/can't resolve dependencies of the Newsroom.*SseHub/s);
  });
});

forEachAdapter((adapter) => {
  it('serves endpoints of a feature module that alone imports the module', async () => {
    @Module({ imports: [SseRedisModule.forRoot({ redis: redis.url })], controllers: [NewsController] })
    class NewsModule {}
    const { app, url } = await start({ imports: [NewsModule] }, { adapter });
    const stream = SseStream.open(`${url}/news`);
    closing.push(() => stream.close());
    await stream.waitForBlock(({ id }) => id !== undefined);
    const { id } = await app.get(SseHub, { strict: false }).publish('news', { data: 'x' });
    expect(await stream.waitFor(1)).toEqual([{ id, type: 'message', data: 'x' }]);
  });

  it('serves endpoints of an application that has the module globally', async () => {
    @Module({ controllers: [NewsController] })
    class NewsModule {}
    const { app, url } = await start(
      { imports: [SseRedisModule.forRoot({ isGlobal: true }), NewsModule] },
      { adapter },
    );
    const stream = SseStream.open(`${url}/news`);
    closing.push(() => stream.close());
    await stream.waitForBlock(({ id }) => id !== undefined);
    await app.get(SseHub).publish('news', { data: 'x' });
    expect(await stream.waitFor(1)).toMatchObject([{ data: 'x' }]);
  });
});

describe('two hubs', () => {
  /** What two hubs hear and keep of what both publish to channels of the same name, with the same idempotency key. */
  async function meet(one: SseHub, other: SseHub) {
    const hubs = [one, other];
    const heard: unknown[][] = [[], []];
    const subscriptions = hubs.map((hub, i) =>
      hub.events('a', { rewind: 10 }).subscribe(({ data }) => heard[i]!.push(data)),
    );
    closing.push(() => subscriptions.forEach((subscription) => subscription.unsubscribe()));
    await until(async () => {
      await Promise.all(hubs.map((hub, i) => hub.publish('a', { data: i })));
      return heard.every((data, i) => data.includes(i));
    });
    await Promise.all(
      hubs.map((hub, i) => hub.publish('a', { data: `last of ${i}` }, { idempotencyKey: 'k' })),
    );
    await until(() => heard.every((data, i) => data.includes(`last of ${i}`)));
    const pages = await Promise.all(hubs.map((hub) => hub.history('a', { limit: 1_000 })));
    return {
      heard: heard.map((data) => Array.from(new Set(data))),
      kept: pages.map(({ events }) => Array.from(new Set(events.map(({ data }) => data)))),
    };
  }

  /** Each hears and keeps its own alone. */
  const STRANGERS = {
    heard: [
      [0, 'last of 0'],
      [1, 'last of 1'],
    ],
    kept: [
      [0, 'last of 0'],
      [1, 'last of 1'],
    ],
  };

  it.each([
    ['of different prefixes', { prefix: 'one' }, { prefix: 'other' }],
    ['of prefixes of which one begins with the other', { prefix: 'app' }, { prefix: 'app:log' }],
  ])('in one process, %s, do not meet', async (_name, one, other) => {
    @Injectable()
    class First extends Newsroom {}
    @Injectable()
    class Second extends Newsroom {}
    @Module({ imports: [SseRedisModule.forRoot({ redis: redis.url, ...one })], providers: [First] })
    class FirstModule {}
    @Module({ imports: [SseRedisModule.forRoot({ redis: redis.url, ...other })], providers: [Second] })
    class SecondModule {}
    const { app } = await start({ imports: [FirstModule, SecondModule] });
    const hubs = [app.get(First, { strict: false }).hub, app.get(Second, { strict: false }).hub] as const;
    expect(hubs[0]).not.toBe(hubs[1]);
    expect(await meet(...hubs)).toEqual(STRANGERS);
  });

  it('of one prefix in different databases do not meet, though pub/sub is common to all databases', async () => {
    const [one, other] = await Promise.all([
      startHub({ redis: `${redis.url}/0` }),
      startHub({ redis: `${redis.url}/5` }),
    ]);
    expect(await meet(one, other)).toEqual(STRANGERS);
  });

  it('of different key prefixes do not meet', async () => {
    const at = { host: '127.0.0.1', port: redis.port };
    const [one, other] = await Promise.all([
      startHub({ redis: { ...at, keyPrefix: 'a:' } }),
      startHub({ redis: { ...at, keyPrefix: 'b:' } }),
    ]);
    expect(await meet(one, other)).toEqual(STRANGERS);
  });

  it('of embedded brokers do not meet', async () => {
    const [one, other] = await Promise.all([startHub({}), startHub({})]);
    expect(await meet(one, other)).toEqual(STRANGERS);
  });

  it('of the same prefix are one', async () => {
    const [one, other] = await Promise.all([startHub({ redis: redis.url }), startHub({ redis: redis.url })]);
    const { id } = await one.publish('a', { data: 'x' });
    expect((await other.history('a')).events).toMatchObject([{ id }]);
  });
});
