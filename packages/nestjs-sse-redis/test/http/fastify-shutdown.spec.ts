import {
  until,
  deferred,
  ReconnectingClient,
  startApp,
  type Deferred,
  type RunningApp,
} from '@nestjs-sse-redis/testing';
import { jest } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { SseRedisModule } from 'nestjs-sse-redis';
import { goOnAtAnother } from './another-process.js';
import { newsModule } from './news.app.js';
import { RawExchange } from './raw-exchange.js';

const EVENT_STREAM = { accept: 'text/event-stream' };

/** What this needs of a Fastify. */
interface Fastify {
  addHook(name: 'preClose', hook: () => Promise<void>): void;
}

/** It closes as slowly as the slowest of its plugins: until then whoever gets through is answered by it. */
describe('a Fastify that closes', () => {
  let running: RunningApp;
  let closed: Promise<void>;
  let mayClose: Deferred<void>;

  async function close(): Promise<void> {
    const closing = deferred();
    mayClose = deferred();
    running = await startApp(newsModule({ drain: { retry: 1_000 } }), 'fastify', {
      configure: (app: INestApplication) =>
        (app.getHttpAdapter().getInstance() as Fastify).addHook('preClose', async () => {
          closing.resolve();
          await mayClose.promise;
        }),
    });
    closed = running.close();
    await closing.promise;
  }

  afterEach(async () => {
    jest.restoreAllMocks();
    mayClose.resolve();
    await closed;
  });

  const get = (headers: Record<string, string>, method = 'GET') =>
    fetch(`${running.url}/news`, { method, headers });

  it('sends clients of event streams away so that they come back', async () => {
    await close();
    const answer = await get({ ...EVENT_STREAM, origin: 'https://pages.example' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://pages.example');
    expect(answer.headers.get('connection')).toBe('close');
    const retry = /^retry: (\d+)\n\n$/.exec(await answer.text());
    expect(Number(retry?.[1])).toBeGreaterThanOrEqual(500);
    expect(Number(retry?.[1])).toBeLessThanOrEqual(1_500);
  });

  it('leaves an EventSource its life: it goes on at another process', async () => {
    await close();
    expect(await goOnAtAnother(running.url, 'fastify')).toBe('from the other');
  });

  it.each([
    ['that is no event stream', { accept: 'application/json' }, 'GET'],
    ['that prefers a status', { ...EVENT_STREAM, prefer: 'status' }, 'GET'],
    ['that sends something', EVENT_STREAM, 'POST'],
  ])('answers a request %s itself', async (_what, headers, method) => {
    await close();
    expect((await get(headers, method)).status).toBe(503);
  });

  it.each(['//', 'http://[', '/?lastEventId=1-0'])(
    'answers a request for %s, and lives on',
    async (target) => {
      await close();
      const exchange = RawExchange.open(
        running.url,
        `GET ${target} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`,
      );
      await until(() => exchange.text.includes('retry: '));
      exchange.close();
      expect((await get(EVENT_STREAM)).status).toBe(200);
    },
  );

  it('would end an EventSource for good (negative control)', async () => {
    jest.spyOn(SseRedisModule.prototype, 'beforeApplicationShutdown').mockResolvedValue();
    await close();
    expect((await get(EVENT_STREAM)).status).toBe(503);
    const client = ReconnectingClient.start(`${running.url}/news`);
    await client.stream.ended;
    await expect(client.opened).rejects.toThrow(/given up.*503/);
  });
});
