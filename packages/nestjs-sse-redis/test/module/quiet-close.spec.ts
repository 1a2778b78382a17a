import { SseStream, until } from '@nestjs-sse-redis/testing';
import type { LoggerService } from '@nestjs/common';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SseHub, SseRedisModule } from 'nestjs-sse-redis';
import { connections, NewsController, redis, start, useRedis } from './application.js';

useRedis();

describe('an application that closes', () => {
  it('logs nothing about its connections to Redis, whoever listens or streams', async () => {
    const lines: string[] = [];
    const write = (text: unknown): number => lines.push(String(text));
    const logger: LoggerService = { log: () => undefined, warn: write, error: write, debug: write };
    const before = (await connections()).length;
    const { app, url, close } = await start(
      { imports: [SseRedisModule.forRoot({ redis: redis.url })], controllers: [NewsController] },
      { override: (builder) => builder.setLogger(logger), application: { logger } },
    );
    app.get(SseHub).events('other').subscribe();
    const stream = SseStream.open(`${url}/news`);
    await stream.waitForBlock(({ id }) => id !== undefined);
    await close();
    // Channels are left a turn after those who were on them.
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    await until(async () => (await connections()).length === before);
    await stream.close();
    expect(lines).toEqual([]);
  });
});
