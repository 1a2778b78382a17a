import { SseStream, startApp, until, type RunningApp } from '@nestjs-sse-redis/testing';
import { Controller, Get, Sse, UseInterceptors, type NestInterceptor } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { SseClient, SseHub } from 'nestjs-sse-redis';
import { newsModule } from './news.app.js';

/** A busy machine begins a stream within that, too. */
const HANDLED_WITHIN_MS = 2_000;

const passing: NestInterceptor = { intercept: (_context, next) => next.handle() };

@Controller()
class OtherController {
  constructor(private readonly hub: SseHub) {}

  @Sse('watched')
  @UseInterceptors(passing)
  watched(@SseClient() client: SseClient) {
    return this.hub.connect(client, 'news');
  }

  /** Not before an answer to this have the times of older requests run out. */
  @Get('stuck')
  stuck() {
    return new Promise<never>(() => undefined);
  }

  @Sse('stuck-stream')
  async stuckStream(@SseClient() client: SseClient) {
    await this.stuck();
    return this.hub.connect(client, 'news');
  }
}

describe('a Fastify with a handlerTimeout', () => {
  let running: RunningApp;

  beforeAll(async () => {
    const { imports, controllers } = newsModule({});
    const module = { imports, controllers: [...controllers, OtherController] };
    const adapter = new FastifyAdapter({ handlerTimeout: HANDLED_WITHIN_MS });
    running = await startApp(module, adapter, { application: { logger: false } });
  });

  afterAll(() => running.close());

  it.each(['news', 'watched'])('leaves a stream open for longer than that (%s)', async (path) => {
    const { app, url } = running;
    const hub = app.get(SseHub);
    const stream = SseStream.open(`${url}/${path}`);
    await until(() => hub.stats().connectionStates.live === 1);
    expect((await fetch(`${url}/stuck`)).status).toBe(503);
    await hub.publish('news', { data: 'late' });
    await Promise.race([stream.ended, stream.waitForBlock(({ message }) => message?.data === 'late')]);
    expect(hub.stats().connectionStates.live).toBe(1);
    await stream.close();
    await until(() => hub.stats().connections === 0);
  });

  it('answers 503 where a handler has no stream within that', async () => {
    expect((await fetch(`${running.url}/stuck-stream`, { headers: { prefer: 'status' } })).status).toBe(503);
  });
});
