import { Stopwatch, until } from '@nestjs-sse-redis/testing';
import type { INestApplication, LoggerService } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { HubClosedError, SseHub, SseRedisModule, type SseRedisOptions } from 'nestjs-sse-redis';
import { closing, connections, redis, useRedis } from './application.js';

useRedis();

describe('an application that is closed early', () => {
  const warnings: string[] = [];
  const logger: LoggerService = {
    log: () => undefined,
    warn: (message: string) => warnings.push(message),
    error: (message: string) => warnings.push(message),
  };

  beforeEach(() => void warnings.splice(0));

  async function create(options: SseRedisOptions): Promise<INestApplication> {
    const builder = Test.createTestingModule({ imports: [SseRedisModule.forRoot(options)] });
    return (await builder.setLogger(logger).compile()).createNestApplication({ logger });
  }

  /** Accepts connections, and answers nothing. */
  async function silentServer(): Promise<{ url: string; sockets: Set<Socket> }> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.resume().on('close', () => sockets.delete(socket));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return { url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets };
  }

  it('closes without a warning where it was never started', async () => {
    const app = await create({ redis: redis.url });
    await app.close();
    expect(warnings).toEqual([]);
  });

  it('ends its start at once with HUB_CLOSED where Redis does not answer', async () => {
    const { url, sockets } = await silentServer();
    const app = await create({ redis: url, connectTimeout: 60_000 });
    const starting = app.init().catch((error: unknown) => error);
    await until(() => sockets.size === 2);
    const watch = Stopwatch.start();
    await app.close();
    const error = await starting;
    expect(watch.stop()).toBeLessThan(30_000);
    expect(error).toBeInstanceOf(HubClosedError);
    expect(warnings).toEqual([]);
    await until(() => sockets.size === 0);
  });

  it.each(['Redis', 'the embedded broker'])('connects to nothing afterwards (%s)', async (broker) => {
    const before = await connections();
    const app = await create({ redis: broker === 'Redis' ? redis.url : 'embedded' });
    await app.close();
    await expect(app.init()).rejects.toThrow(HubClosedError);
    await expect(app.get(SseHub).publish('news', { data: 1 })).rejects.toThrow(HubClosedError);
    expect(String(await connections())).toBe(String(before));
  });

  it('leaves the registry where it is closed as its start ends', async () => {
    const app = await create({ redis: redis.url });
    const nodes = async () => Number(await redis.cli('ZCARD', '{sse}:reg2:nodes'));
    const starting = app.init().catch((error: unknown) => error);
    await until(async () => (await nodes()) === 1);
    await app.close();
    await starting;
    expect(await nodes()).toBe(0);
    expect(warnings).toEqual([]);
  });
});
