import { forEachAdapter, SseStream, startApp, type RunningApp } from '@nestjs-sse-redis/testing';
import {
  Controller,
  Injectable,
  Sse,
  UseInterceptors,
  type CallHandler,
  type NestInterceptor,
} from '@nestjs/common';
import { SseChannels, SseClient, SseHub, SseRedisModule } from 'nestjs-sse-redis';
import { setTimeout as delay } from 'node:timers/promises';
import { concat, mergeMap, of, throwError, timer } from 'rxjs';

@Injectable()
class Passing implements NestInterceptor {
  intercept(_context: unknown, next: CallHandler) {
    return next.handle();
  }
}

let isDown = true;

/** A question to a database that is away for a moment. */
async function ask(): Promise<void> {
  await delay(50);
  if (isDown) throw new Error('the database is away');
}

@Controller()
@UseInterceptors(Passing)
class OrdersController {
  constructor(private readonly hub: SseHub) {}

  @Sse('handler')
  async handler(@SseClient() client: SseClient) {
    await ask();
    return this.hub.connect(client, 'news');
  }

  @Sse('own')
  async own(@SseClient() _client: SseClient) {
    await delay(50);
    const failure = timer(50).pipe(mergeMap(() => throwError(() => new Error('thrown on purpose'))));
    return concat(of({ data: 'a' }, { data: 'b', id: 'x' }), failure);
  }

  @Sse('channels')
  @SseChannels(async () => {
    await ask();
    return 'news';
  })
  channels(): void {}

  @Sse('plain')
  plain(@SseClient() client: SseClient) {
    return this.hub.connect(client, 'news');
  }
}

forEachAdapter((adapter) => {
  let running: RunningApp;
  const identify = async ({ url }: { url: string }): Promise<undefined> => {
    if (url === '/plain') await ask();
  };

  beforeEach(async () => {
    isDown = true;
    const imports = [SseRedisModule.forRoot({ identify })];
    running = await startApp({ imports, controllers: [OrdersController] }, adapter, {
      application: { logger: false },
    });
  });
  afterEach(() => running.close());

  it.each(['/handler', '/channels', '/plain'])(
    'keeps the id of a client of %s, where a question to a database fails after the headers',
    async (path) => {
      const hub = running.app.get(SseHub);
      const lastEventId = await hub.cursor();
      await hub.publish('news', { data: 'missed' });
      const failed = SseStream.open(running.url + path, { lastEventId });
      expect(await failed.ended).toBe('end');
      expect(failed.messages.map(({ type, data }) => [type, data])).toEqual([
        ['error', 'Internal server error'],
      ]);
      expect(failed.lastEventId).toBe(lastEventId);
      isDown = false;
      const stream = SseStream.open(running.url + path, { lastEventId: failed.lastEventId });
      await stream.waitFor(({ data }) => data === 'missed');
      expect(stream.messages.map(({ type }) => type)).not.toContain('gap');
      await stream.close();
    },
  );

  it('leaves ids to a handler that takes the client and streams something else than the hub', async () => {
    const stream = SseStream.open(`${running.url}/own`, { lastEventId: 'w' });
    expect(await stream.ended).toBe('end');
    expect(stream.messages.map(({ id, data }) => [id, data])).toEqual([
      ['1', 'a'],
      ['x', 'b'],
      ['2', 'Internal server error'],
    ]);
  });
});
