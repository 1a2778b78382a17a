import {
  deferred,
  forEachAdapter,
  SseStream,
  startApp,
  until,
  type RunningApp,
  useRedis,
} from '@nestjs-sse-redis/testing';
import { jest } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Sse,
  SSE_ABORT_CONTROLLER,
  SseSignal,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type MessageEvent,
  type NestInterceptor,
} from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Transform } from 'node:stream';
import { SseChannels, SseClient, SseHub, SseRedisModule } from 'nestjs-sse-redis';
import { finalize, merge, Observable, Subject, Subscriber, tap } from 'rxjs';
import { NestObservable } from '../../src/response/nest-observable.js';
import { ResponseSink } from '../../src/response/response-sink.js';
import { RawExchange } from './raw-exchange.js';

/** What has been told of the end of streams. */
const told: string[] = [];
const more = new Subject<MessageEvent>();
const responses: ServerResponse[] = [];

@Injectable()
class LifeInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      tap({ complete: () => told.push('completed') }),
      finalize(() => told.push('finalized')),
    );
  }
}

@Controller()
class NewsController {
  constructor(private readonly hub: SseHub) {}

  @Sse('direct')
  direct(@SseClient() client: SseClient) {
    responses.push(client.response);
    return this.hub.connect(client, 'news');
  }

  @Sse('later')
  async later(@SseClient() client: SseClient) {
    await Promise.resolve();
    return this.hub.connect(client, 'news');
  }

  @Sse('signal')
  signal(@SseClient() client: SseClient, @SseSignal() signal: AbortSignal) {
    responses.push(client.response);
    signal.addEventListener('abort', () => told.push('aborted'));
    return this.hub.connect(client, 'news');
  }

  @Sse('operators')
  operators(@SseClient() client: SseClient) {
    return this.hub.connect(client, 'news').pipe(finalize(() => told.push('finalized')));
  }

  @Sse('merged')
  merged(@SseClient() client: SseClient) {
    return merge(this.hub.connect(client, 'news'), more);
  }

  @Sse('intercepted')
  @UseInterceptors(LifeInterceptor)
  intercepted(@SseClient() client: SseClient) {
    return this.hub.connect(client, 'news');
  }

  @Sse('decorated')
  @SseChannels('news')
  @UseInterceptors(LifeInterceptor)
  decorated() {}

  @Get('next')
  next() {
    return 'the next answer';
  }
}

const getController = ({ req }: ServerResponse): AbortController | undefined =>
  (req as unknown as Record<symbol, AbortController | undefined>)[SSE_ABORT_CONTROLLER];

const redis = useRedis();

forEachAdapter((adapter) => {
  let running: RunningApp;
  let hub: SseHub;
  /** Of each response, the stream that Nest has piped to it. */
  let transforms: Transform[];
  const closeLater: (() => unknown)[] = [];

  beforeEach(async () => {
    transforms = [];
    told.length = responses.length = 0;
    const imports = [SseRedisModule.forRoot({ redis: redis.url, prefix: randomUUID() })];
    running = await startApp({ imports, controllers: [NewsController] }, adapter, {
      configure: (app) => {
        app.use((_request: IncomingMessage, response: ServerResponse, next: () => void) => {
          response.on('pipe', (transform: Transform) => transforms.push(transform));
          next();
        });
      },
    });
    hub = running.app.get(SseHub);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    for (const close of closeLater.splice(0)) await close();
    await running.close();
  });

  async function open(path: string): Promise<SseStream> {
    const stream = SseStream.open(running.url + path);
    closeLater.push(() => stream.close());
    await stream.waitForBlock(({ id }) => id !== undefined);
    return stream;
  }

  /** Whether Nest has let go of a stream that goes on. */
  async function isLetGo(path: string): Promise<boolean> {
    const stream = await open(path);
    await hub.publish('news', { data: 'one' });
    expect(await stream.waitFor(1)).toMatchObject([{ data: 'one' }]);
    return transforms[0]!.writableEnded;
  }

  describe('the state that Nest keeps for a stream', () => {
    it.each(['/direct', '/later', '/signal'])(
      'is let go of where it is the handler’s own: %s',
      async (path) => {
        expect(await isLetGo(path)).toBe(true);
      },
    );

    it.each(['/operators', '/merged', '/intercepted', '/decorated'])(
      'is kept where somebody else looks on: %s',
      async (path) => {
        expect(await isLetGo(path)).toBe(false);
      },
    );

    it('would be kept for every stream (negative control)', async () => {
      jest.spyOn(NestObservable.prototype, 'letGo').mockReturnValue(false);
      expect(await isLetGo('/direct')).toBe(false);
    });
  });

  describe('the end of a stream is told when it comes', () => {
    const left = async (stream: SseStream): Promise<void> => {
      void stream.close();
      await until(() => hub.stats().connections === 0);
    };

    it.each([
      ['/signal', ['aborted']],
      ['/operators', ['finalized']],
      ['/intercepted', ['finalized']],
      ['/decorated', ['finalized']],
    ])('because the client has left: %s', async (path, expected) => {
      const stream = await open(path);
      await hub.publish('news', { data: 'one' });
      await stream.waitFor(1);
      expect(told).toEqual([]);
      await left(stream);
      await until(() => told.length === expected.length);
      expect(told).toEqual(expected);
    });

    it.each([
      ['/signal', ['aborted']],
      ['/operators', ['finalized']],
      ['/intercepted', ['completed', 'finalized']],
      ['/direct', []],
    ])('because the hub has ended it: %s', async (path, expected) => {
      const stream = await open(path);
      expect(told).toEqual([]);
      await hub.disconnect({ node: hub.nodeId }, { reason: 'over' });
      expect(await stream.ended).toBe('end');
      await until(() => told.length === expected.length);
      expect(told).toEqual(expected);
    });

    it('would be told at once to whoever looks on (negative control)', async () => {
      // oxlint-disable-next-line typescript/unbound-method -- applied below
      const { letGo } = NestObservable.prototype;
      jest.spyOn(NestObservable.prototype, 'letGo').mockImplementation(function (this: NestObservable) {
        (this as unknown as { isDirect: boolean }).isDirect = true;
        return letGo.call(this);
      });
      await open('/operators');
      expect(told).toEqual(['finalized']);
    });

    it('would come to the signal at once, were Nest’s call not caught (negative control)', async () => {
      // oxlint-disable-next-line typescript/unbound-method -- put back below
      const { abort } = AbortController.prototype;
      const caught = jest.spyOn(Subscriber.prototype, 'complete');
      caught.mockImplementation(function (this: Subscriber<unknown>) {
        const controller = responses[0] && getController(responses[0]);
        if (controller) controller.abort = abort;
        caught.mockRestore();
        this.complete();
      });
      await open('/signal');
      expect(told).toEqual(['aborted']);
    });
  });

  it('gives what is merged with it as long as either goes on', async () => {
    const stream = await open('/merged');
    more.next({ data: 'merged', type: 'more' });
    await hub.publish('news', { data: 'published' });
    const messages = await stream.waitFor(2);
    expect(messages.map(({ data }) => data).toSorted()).toEqual(['merged', 'published']);
  });

  describe('a handler that ends its response itself', () => {
    async function nextAnswerAfter(endResponse: () => void): Promise<RawExchange> {
      const host = 'Host: localhost\r\n\r\n';
      const exchange = RawExchange.open(
        running.url,
        `GET /direct HTTP/1.1\r\n${host}GET /next HTTP/1.1\r\n${host}`,
      );
      closeLater.push(() => exchange.close());
      await until(() => exchange.text.includes('\nid: '));
      await hub.publish('news', { data: 'one' });
      await until(() => exchange.text.includes('data: one'));
      const [written, ended] = [jest.spyOn(ResponseSink.prototype, 'event'), deferred()];
      written.mockImplementationOnce(function (this: ResponseSink, _channel, record) {
        const taken = this.write(record.frame);
        endResponse();
        ended.resolve();
        return taken;
      });
      await hub.publish('news', { data: 'two' });
      await ended.promise;
      await until(() => exchange.text.includes('the next answer'));
      return exchange;
    }

    it('has nothing of the stream in the answer that follows', async () => {
      const exchange = await nextAnswerAfter(() => responses[0]!.end());
      expect(exchange.answers).toHaveLength(2);
      expect(exchange.answers[1]).toMatchObject({
        head: expect.stringMatching(/^HTTP/),
        body: 'the next answer',
      });
      await until(() => hub.stats().connections === 0);
    });

    it('would have an event in it, were it not noticed (negative control)', async () => {
      const { ServerResponse: Response } = await import('node:http');
      const exchange = await nextAnswerAfter(() =>
        (Response.prototype.end as (this: ServerResponse) => unknown).call(responses[0]!),
      );
      expect(exchange.answers[1]!.head).toContain('data: two');
    });
  });
});
