import { forEachAdapter, startApp, until, useRedis, type RunningApp } from '@nestjs-sse-redis/testing';
import { jest } from '@jest/globals';
import { Controller, HttpCode, Logger, Redirect, Sse } from '@nestjs/common';
import { SseChannels, SseClient, SseHub, SseRegistry, SseRedisModule } from 'nestjs-sse-redis';
import { randomUUID } from 'node:crypto';
import { RawExchange } from './raw-exchange.js';

const redis = useRedis();

@Controller()
class AnswersController {
  constructor(private readonly hub: SseHub) {}

  @Sse('empty')
  @HttpCode(204)
  empty(@SseClient() client: SseClient) {
    return this.hub.connect(client, 'news');
  }

  @Sse('created')
  @HttpCode(201)
  @SseChannels('news')
  created(): void {}

  @Sse('elsewhere')
  @Redirect('/news')
  elsewhere(@SseClient() client: SseClient) {
    return this.hub.connect(client, 'news');
  }

  @Sse('news')
  @HttpCode(200)
  news(@SseClient() client: SseClient) {
    return this.hub.connect(client, 'news');
  }
}

forEachAdapter((adapter) => {
  let running: RunningApp;
  const warn = () => jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
  const error = () => jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);

  async function start(): Promise<void> {
    running = await startApp(
      {
        imports: [SseRedisModule.forRoot({ redis: redis.url, prefix: randomUUID() })],
        controllers: [AnswersController],
      },
      adapter,
    );
  }
  afterEach(async () => {
    jest.restoreAllMocks();
    await running.close();
  });

  it('warns at the start of each stream route with a status or a redirection that ends an EventSource', async () => {
    const warned = warn();
    await start();
    const texts = warned.mock.calls.map(([text]) => String(text));
    expect(texts).toEqual([
      expect.stringMatching(/^AnswersController\.empty has @HttpCode\(204\): /),
      expect.stringMatching(/^AnswersController\.created has @HttpCode\(201\): /),
      expect.stringMatching(/^AnswersController\.elsewhere has @Redirect\(\), /),
    ]);
  });

  it('keeps no connection of a stream whose status has no body, and serves the next request of its client', async () => {
    warn();
    const failures = error();
    await start();
    const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    const exchange = RawExchange.open(running.url, `${request('/empty')}${request('/news')}`);
    await until(() => exchange.text.includes('HTTP/1.1 200 '));
    expect(exchange.text).toMatch(/^HTTP\/1.1 204 /);
    const [hub, registry] = [running.app.get(SseHub), running.app.get(SseRegistry)];
    await until(async () => (await registry.count()) === 1);
    expect(hub.stats()).toMatchObject({ connections: 1, closes: { 'ended-by-application': 1 } });
    expect(failures.mock.calls.flat().join()).toMatch(/GET \/empty .* the status 204, which has no body/);
    exchange.close();
  });
});
