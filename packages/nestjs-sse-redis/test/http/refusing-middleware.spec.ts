import { forEachAdapter, startApp, type RunningApp } from '@nestjs-sse-redis/testing';
import { Controller, HttpException, Inject, Sse } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { SseClient, SseHub, SseRedisModule, SseStreamFilter } from 'nestjs-sse-redis';
import type { ServerResponse } from 'node:http';

@Controller()
class NewsController {
  constructor(@Inject(SseHub) private readonly hub: SseHub) {}

  @Sse('news')
  news(@SseClient() client: SseClient) {
    return this.hub.connect(client, 'news');
  }
}

/** As `express-rate-limit` does with a `handler` that calls `next`. */
function refuse(_request: unknown, response: ServerResponse, next: (error: Error) => void): void {
  response.setHeader('Retry-After', '7');
  next(new HttpException('no', 429));
}

forEachAdapter((adapter) => {
  let running: RunningApp;

  beforeEach(async () => {
    const module = {
      imports: [SseRedisModule.forRoot()],
      controllers: [NewsController],
      providers: [{ provide: APP_FILTER, useClass: SseStreamFilter }],
    };
    running = await startApp(module, adapter, { configure: (app) => void app.use(refuse) });
  });
  afterEach(() => running.close());

  it('an SseStreamFilter of the application answers an EventSource that a middleware refuses by next(error)', async () => {
    const answer = await fetch(`${running.url}/news`, { headers: { accept: 'text/event-stream' } });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe('retry: 7000\nevent: error\ndata: {"code":"TOO_MANY_REQUESTS"}\n\n');
  });

  it('an SseStreamFilter of the application leaves the status to other requests that a middleware refuses', async () => {
    const answer = await fetch(`${running.url}/news`);
    expect(answer.status).toBe(429);
  });
});
