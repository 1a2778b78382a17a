import {
  forEachAdapter,
  freePort,
  RedisServer,
  SseStream,
  startApp,
  Stopwatch,
  until,
  type RunningApp,
} from '@nestjs-sse-redis/testing';
import {
  Controller,
  Inject,
  Injectable,
  Module,
  Sse,
  type DynamicModule,
  type LoggerService,
  type ModuleMetadata,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import {
  RedisRefusedError,
  RedisUnavailableError,
  SseClient,
  SseHub,
  SseRedisModule,
  UnsupportedRedisError,
  type SseRedisOptions,
  type SseRedisOptionsFactory,
} from 'nestjs-sse-redis';

let redis: RedisServer;
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  redis = await RedisServer.start();
});
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
  await redis.cli('FLUSHALL');
});
afterAll(() => redis.stop());

@Injectable()
class Newsroom {
  constructor(readonly hub: SseHub) {}
}

@Controller()
class NewsController {
  constructor(private readonly hub: SseHub) {}

  @Sse('news')
  news(@SseClient() client: SseClient) {
    return this.hub.connect(client, 'news');
  }
}

/** A module of an application that uses the hub, as it was imported. */
function feature(...imports: NonNullable<ModuleMetadata['imports']>): DynamicModule {
  @Module({})
  class Feature {}
  return { module: Feature, imports, providers: [Newsroom], exports: [Newsroom] };
}

async function start(
  module: ModuleMetadata,
  options: Parameters<typeof startApp>[2] & { adapter?: 'express' | 'fastify' } = {},
): Promise<RunningApp> {
  const running = await startApp(module, options.adapter ?? 'express', options);
  closing.push(() => running.close());
  return running;
}

async function startHub(options: SseRedisOptions): Promise<SseHub> {
  return (await start({ imports: [SseRedisModule.forRoot(options)] })).app.get(SseHub);
}

/** The keys that Redis has after the hub has proved that it works. */
async function keysOf(hub: SseHub, db = 0): Promise<string[]> {
  const { id } = await hub.publish('here', { data: 'x' });
  expect(await hub.history('here')).toMatchObject({ events: [{ id, data: 'x' }] });
  const client = redis.client({ db });
  const keys = await client.keys('*');
  await client.quit();
  return keys.sort();
}

/** The keys of a hub with one channel, `here`. */
function keysUnder(prefix: string): string[] {
  return ['clock', 'log:here', 'reg:node-info', 'reg:nodes'].map((key) => `${prefix}:${key}`);
}

/** The connections that Redis has, besides the one that asks. */
async function connections(): Promise<string[]> {
  const list = (await redis.cli('CLIENT', 'LIST')) as string;
  return list
    .trim()
    .split('\n')
    .map((line) => /^id=(\d+)/.exec(line)![1]!);
}

/** Why an application does not start. */
async function failureToStart(options: SseRedisOptions, logger?: LoggerService): Promise<Error> {
  const module = await Test.createTestingModule({ imports: [SseRedisModule.forRoot(options)] }).compile();
  const app = module.createNestApplication({ logger: logger ?? false });
  closing.push(() => app.close());
  return app.init().then(
    () => new Error('it started'),
    (error: Error) => error,
  );
}

describe('the start', () => {
  /** Sockets, servers and timers that keep this process alive. */
  const handles = () =>
    process.getActiveResourcesInfo().filter((name) => /TCP|Timeout|Pipe|TLS|DNS|GetAddr/i.test(name)).length;

  it('fails within connectTimeout when Redis is not there, says so and leaves nothing behind', async () => {
    const port = await freePort();
    const before = handles();
    const watch = Stopwatch.start();
    const error = await failureToStart({
      redis: `redis://app:secret@127.0.0.1:${port}`,
      connectTimeout: 1_500,
    });
    expect(watch.stop()).toBeLessThan(1_500 + 2_000);
    expect(error).toBeInstanceOf(RedisUnavailableError);
    expect(error).toMatchObject({ code: 'REDIS_UNAVAILABLE' });
    expect(error.message).toContain(`Redis at 127.0.0.1:${port} could not be reached within 1500 ms`);
    expect(error.message).toMatch(/ECONNREFUSED.*Is it running, and is the `redis` option right/);
    expect(`${error.message} ${error.stack} ${String(error.cause)}`).not.toContain('secret');
    await until(() => handles() <= before);
  });

  it('fails within connectTimeout when Redis is there and does not answer', async () => {
    const silent = await RedisServer.start();
    closing.push(() => silent.stop());
    silent.pause();
    const watch = Stopwatch.start();
    const error = await failureToStart({ redis: silent.url, connectTimeout: 1_500 });
    expect(watch.stop()).toBeLessThan(1_500 + 2_000);
    expect(error).toBeInstanceOf(RedisUnavailableError);
    expect(error.message).toContain(`127.0.0.1:${silent.port}`);
  });

  it('fails within connectTimeout when listen() is called, too', async () => {
    const module = SseRedisModule.forRoot({
      redis: `redis://127.0.0.1:${await freePort()}`,
      connectTimeout: 200,
    });
    const module_ = await Test.createTestingModule({ imports: [module] }).compile();
    const app = module_.createNestApplication({ logger: false });
    closing.push(() => app.close());
    await expect(app.listen(0)).rejects.toThrow(RedisUnavailableError);
    expect(app.getHttpServer().listening).toBe(false);
  });

  it.each([
    ['needs a password, and got none', (port: number) => `redis://127.0.0.1:${port}`, /NOAUTH/],
    [
      'needs another password',
      (port: number) => `redis://:wrong-secret@127.0.0.1:${port}`,
      /WRONGPASS|invalid/i,
    ],
  ])('fails when Redis %s, and says so', async (_name, url, words) => {
    const guarded = await RedisServer.start({ args: ['--requirepass', 'right-secret'] });
    closing.push(() => guarded.stop());
    const error = await failureToStart({ redis: url(guarded.port), connectTimeout: 3_000 });
    expect(error).toBeInstanceOf(RedisUnavailableError);
    expect(error.message).toMatch(words);
    expect(`${error.message} ${String(error.cause)}`).not.toMatch(/wrong-secret|right-secret/);
  });

  it('fails when Redis may not be written to, and says so', async () => {
    await redis.cli('ACL', 'SETUSER', 'reader', 'on', '>pw', '~*', '&*', '+@all', '-hset');
    const before = await connections();
    const error = await failureToStart({ redis: `redis://reader:pw@127.0.0.1:${redis.port}` });
    expect(error).toBeInstanceOf(RedisRefusedError);
    expect(error.message).toContain(`127.0.0.1:${redis.port}`);
    await until(async () => String(await connections()) === String(before));
  });

  it('waits for a Redis that comes up within connectTimeout', async () => {
    const port = await freePort();
    const starting = startHub({ redis: `redis://127.0.0.1:${port}`, connectTimeout: 10_000 });
    // It has knocked in vain before it is let in.
    const refusals = createServer((socket) => socket.destroy());
    refusals.listen(port, '127.0.0.1');
    await once(refusals, 'connection');
    await new Promise((resolve) => refusals.close(resolve));
    const late = await RedisServer.start({ port });
    closing.push(() => late.stop());
    const hub = await starting;
    expect(await hub.publish('a', { data: 1 })).toEqual({ id: expect.any(String) as string });
  });

  it.each([
    ['6.0.16', '6.0'],
    ['5.0.14', '5.0'],
    ['2.8.9', '2.8'],
  ])('refuses Redis %s, and closes its connections', async (version, shown) => {
    const server = await fakeRedis(`redis_version:${version}`);
    const error = await failureToStart({ redis: `redis://:secret@127.0.0.1:${server.port}` });
    expect(error).toBeInstanceOf(UnsupportedRedisError);
    expect(error).toMatchObject({ code: 'UNSUPPORTED_REDIS' });
    expect(error.message).toContain(`Redis at 127.0.0.1:${server.port} is ${shown}; 6.2 or later is needed`);
    expect(error.message).not.toContain('secret');
    await until(() => server.sockets.size === 0);
  });

  it.each(['allkeys-lru', 'volatile-ttl'])('warns of maxmemory-policy %s', async (policy) => {
    const log = new Log();
    const evicting = await RedisServer.start({ args: ['--maxmemory-policy', policy] });
    closing.push(() => evicting.stop());
    await start(
      { imports: [SseRedisModule.forRoot({ redis: evicting.url })] },
      { application: { logger: log } },
    );
    expect(log.warnings).toEqual([
      expect.stringMatching(
        new RegExp(`127.0.0.1:${evicting.port}.*maxmemory-policy ${policy}.*Set noeviction`),
      ),
    ]);
  });

  it('has nothing to warn of where nothing is evicted', async () => {
    const log = new Log();
    const running = await start(
      { imports: [SseRedisModule.forRoot({ redis: redis.url })] },
      { application: { logger: log } },
    );
    await running.close();
    expect([...log.warnings, ...log.errors]).toEqual([]);
  });

  it('comes before the bootstrap of the application, which may publish', async () => {
    @Injectable()
    class Announcer {
      id: string | undefined;
      constructor(@Inject(SseHub) private readonly hub: SseHub) {}
      async onApplicationBootstrap(): Promise<void> {
        this.id = (await this.hub.publish('boot', { data: 'up' })).id;
      }
      async onModuleDestroy(): Promise<void> {
        await this.hub.publish('boot', { data: 'going down' });
      }
    }
    const prefix = 'boot';
    const running = await start({
      imports: [SseRedisModule.forRoot({ redis: redis.url, prefix })],
      providers: [Announcer],
    });
    const witness = await startHub({ redis: redis.url, prefix });
    await running.close();
    expect((await witness.history('boot')).events).toMatchObject([
      { id: running.app.get(Announcer).id, data: 'up' },
      { data: 'going down' },
    ]);
  });

  /** Answers as much as a client asks before it works, with a version of our own. */
  async function fakeRedis(info: string): Promise<{ port: number; sockets: Set<Socket> }> {
    const sockets = new Set<Socket>();
    const server: Server = createServer((socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        // Requests are arrays of bulk strings; the first of each is the command.
        for (const [, command] of chunk.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) {
          const isInfo = /^info$/i.test(command!);
          socket.write(isInfo ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n');
        }
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => server.close());
    return { port: (server.address() as AddressInfo).port, sockets };
  }
});

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

class Log implements LoggerService {
  readonly warnings: string[] = [];
  readonly errors: string[] = [];
  log(): void {}
  warn(message: string): void {
    this.warnings.push(message);
  }
  error(message: string): void {
    this.errors.push(message);
  }
}
