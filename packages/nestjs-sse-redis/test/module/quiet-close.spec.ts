import { deferred, SseStream, until, type RunningApp } from '@nestjs-sse-redis/testing';
import { Injectable, type LoggerService } from '@nestjs/common';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { OnSseEvent, SseHub, SseRedisModule } from 'nestjs-sse-redis';
import { EventListeners } from '../../src/listeners/event-listeners.js';
import { connections, NewsController, redis, start, useRedis } from './application.js';

useRedis();

@Injectable()
class Listener {
  readonly begun = deferred();
  readonly mayEnd = deferred();

  @OnSseEvent('news', { once: 'cluster', name: 'listener' })
  async onNews(): Promise<void> {
    this.begun.resolve();
    await this.mayEnd.promise;
  }
}

describe('an application that closes', () => {
  let lines: string[];
  beforeEach(() => {
    lines = [];
  });

  function startQuietly(): Promise<RunningApp> {
    const write = (text: unknown): number => lines.push(String(text));
    const logger: LoggerService = { log: () => undefined, warn: write, error: write, debug: write };
    return start(
      {
        imports: [SseRedisModule.forRoot({ redis: redis.url })],
        controllers: [NewsController],
        providers: [Listener],
      },
      { override: (builder) => builder.setLogger(logger), application: { logger } },
    );
  }

  it('logs nothing about its connections to Redis, whoever listens or streams', async () => {
    const before = (await connections()).length;
    const { app, url, close } = await startQuietly();
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

  it('closes again, as a test may that cleans up twice, and logs nothing', async () => {
    const { app } = await startQuietly();
    await app.close();
    await app.close();
    expect(lines).toEqual([]);
  });

  it('waits for what a method is in the midst of, also where it is closed twice at once', async () => {
    const { app, close } = await startQuietly();
    const listener = app.get(Listener);
    await app.get(SseHub).publish('news', { data: 1 });
    await listener.begun.promise;
    // As Nest 11 does, where a signal and the application's own handler of it close at once. Nest 12 closes once.
    const listeners = app.get(EventListeners, { strict: false });
    let ends = 0;
    for (let i = 0; i < 2; i++) void listeners.beforeApplicationShutdown().then(() => ends++);
    await nextTurn();
    expect(ends).toBe(0);
    listener.mayEnd.resolve();
    await until(() => ends === 2);
    await close();
    expect(lines).toEqual([]);
  });
});
