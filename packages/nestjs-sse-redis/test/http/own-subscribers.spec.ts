import { forEachAdapter, startApp, until, type RunningApp } from '@nestjs-sse-redis/testing';
import { jest } from '@jest/globals';
import { Controller, Get, Logger, Param } from '@nestjs/common';
import { SseClient, SseHub, SseRedisModule } from 'nestjs-sse-redis';
import { config, Observable, type Observer } from 'rxjs';

type Stream = ReturnType<SseHub['connect']>;
const observer: Partial<Observer<unknown>> = { next: () => undefined };

/** How an application subscribes to what only Nest may subscribe to. None hands over what it does with an error. */
const WAYS: Record<string, (stream: Stream) => unknown> = {
  nothing: (stream) => stream.subscribe(),
  function: (stream) => stream.subscribe(() => undefined),
  object: (stream) => stream.subscribe(observer),
  bare: (stream) => Observable.prototype.subscribe.call(stream, () => undefined),
};

const refusals: unknown[] = [];

@Controller()
class OwnController {
  constructor(private readonly hub: SseHub) {}

  @Get('handled')
  handled(@SseClient() client: SseClient) {
    this.hub.connect(client, 'news').subscribe({ error: (error: unknown) => refusals.push(error) });
    return { is: 'answered' };
  }

  @Get(':way')
  own(@SseClient() client: SseClient, @Param('way') way: string) {
    WAYS[way]!(this.hub.connect(client, 'news'));
    return { is: 'answered' };
  }
}

forEachAdapter((adapter) => {
  let running: RunningApp;
  let unhandled: unknown[];
  let logged: unknown[][];

  beforeEach(async () => {
    unhandled = [];
    refusals.length = 0;
    // RxJS throws such an error on a timer: the process ends.
    config.onUnhandledError = (error) => unhandled.push(error);
    logged = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined).mock.calls;
    running = await startApp(
      { imports: [SseRedisModule.forRoot({})], controllers: [OwnController] },
      adapter,
    );
  });
  afterEach(async () => {
    config.onUnhandledError = null;
    jest.restoreAllMocks();
    await running.close();
  });

  const get = async (path: string) => (await fetch(`${running.url}/${path}`)).json();

  it.each(['nothing', 'function', 'object'])(
    'refuses a handler that subscribes by itself with %s, and the process lives',
    async (way) => {
      expect(await get(way)).toEqual({ is: 'answered' });
      // RxJS' timer ran before the second answer.
      await get(way);
      expect(unhandled).toEqual([]);
      expect(logged.flat().join()).toContain('subscribe to nothing yourself');
    },
  );

  it('hands the refusal to a handler that takes it', async () => {
    await get('handled');
    expect(refusals).toMatchObject([{ code: 'NOT_SSE_ROUTE' }]);
  });

  it('has RxJS throw it behind the subscription of RxJS (negative control)', async () => {
    await get('bare');
    await until(() => unhandled.length > 0);
    expect(unhandled).toMatchObject([{ code: 'NOT_SSE_ROUTE' }]);
  });
});
