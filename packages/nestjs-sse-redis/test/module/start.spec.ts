import { jest } from '@jest/globals';
import { freePort, RedisServer, Stopwatch, until } from '@nestjs-sse-redis/testing';
import { Inject, Injectable, type LoggerService } from '@nestjs/common';
import { LazyModuleLoader, NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import {
  RedisRefusedError,
  RedisUnavailableError,
  SseHub,
  SseRedisModule,
  UnsupportedRedisError,
} from 'nestjs-sse-redis';

import { failedStart } from '../hub/hubs.js';
import { closing, connections, failureToStart, redis, start, startHub, useRedis } from './application.js';

useRedis();

describe('the start', () => {
  /** Sockets, servers and timers that keep this process alive. */
  const handles = () =>
    process.getActiveResourcesInfo().filter((name) => /TCP|Timeout|Pipe|TLS|DNS|GetAddr/i.test(name)).length;

  it('fails within connectTimeout when Redis is not there, says so and leaves nothing behind', async () => {
    const port = await freePort();
    const before = handles();
    let time = 0;
    let elapsed = 0;
    const error = await failedStart(/ECONNREFUSED/, async (connectTimeout) => {
      time = connectTimeout;
      const watch = Stopwatch.start();
      const failure = await failureToStart({ redis: `redis://app:secret@127.0.0.1:${port}`, connectTimeout });
      elapsed = watch.stop();
      throw failure;
    });
    expect(elapsed).toBeLessThan(time + 2_000);
    expect(error).toBeInstanceOf(RedisUnavailableError);
    expect(error).toMatchObject({ code: 'REDIS_UNAVAILABLE' });
    expect(error.message).toContain(`Redis at 127.0.0.1:${port} could not be reached within ${time} ms`);
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

  it('never comes for a module that is loaded lazily, and the hub says so', async () => {
    const module_ = await Test.createTestingModule({}).compile();
    const app = await module_.createNestApplication({ logger: false }).init();
    closing.push(() => app.close());
    const lazy = await app.get(LazyModuleLoader).load(() => SseRedisModule.forRoot());
    const publishing = lazy.get(SseHub).publish('news', { data: 1 });
    await expect(publishing).rejects.toMatchObject({
      code: 'HUB_CLOSED',
      message: expect.stringContaining('import SseRedisModule.forRoot() in the root module'),
    });
  });

  it('connects to nothing in a preview, and Nest warns of no configure() that throws', async () => {
    const lines: string[] = [];
    const write = (text: unknown): number => lines.push(String(text));
    const logger = { log: write, warn: write, error: write };
    const imports = [SseRedisModule.forRoot({ redis: `redis://127.0.0.1:${await freePort()}` })];
    const module = { module: class Application {}, imports };
    const app = await NestFactory.create(module, { preview: true, abortOnError: false, logger });
    await app.init();
    await app.close();
    expect(lines).toContain('Application is running in the PREVIEW mode!');
    expect(lines.filter((line) => line.includes('SseRedisModule'))).toEqual([
      'SseRedisModule dependencies initialized',
    ]);
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
    const error = await failedStart(words, async (connectTimeout) => {
      throw await failureToStart({ redis: url(guarded.port), connectTimeout });
    });
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
    const starting = startHub({ redis: `redis://127.0.0.1:${port}`, connectTimeout: 60_000 });
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

  it('warns of a Redis that hides INFO', async () => {
    jest.spyOn(console, 'warn').mockImplementation(() => undefined); // ioredis
    const log = new Log();
    await redis.cli('ACL', 'SETUSER', 'blind', 'on', '>pw', '~*', '&*', '+@all', '-info');
    const url = `redis://blind:pw@127.0.0.1:${redis.port}`;
    await start({ imports: [SseRedisModule.forRoot({ redis: url })] }, { application: { logger: log } });
    expect(log.warnings).toEqual([expect.stringMatching(/does not answer INFO.*\+info/)]);
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
