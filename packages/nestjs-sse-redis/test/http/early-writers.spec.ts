import {
  Controller,
  Injectable,
  Sse,
  UseInterceptors,
  type CallHandler,
  type NestInterceptor,
} from '@nestjs/common';
import {
  deferred,
  forEachAdapter,
  RedisServer,
  SseStream,
  startApp,
  until,
  type Deferred,
  type RunningApp,
} from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { SseClient, SseHub, SseRedisModule } from 'nestjs-sse-redis';
import { startWith } from 'rxjs';

let mayConnect: Deferred<void>;
let mayBegin: Deferred<void>;

@Injectable()
class Greeting implements NestInterceptor {
  intercept(_context: unknown, next: CallHandler) {
    return next.handle().pipe(startWith({ data: 'hello' }));
  }
}

@Controller()
class EarlyController {
  constructor(private readonly hub: SseHub) {}

  @Sse('early')
  @UseInterceptors(Greeting)
  async early(@SseClient() client: SseClient) {
    await mayConnect.promise;
    return this.hub.connect(client, 'news');
  }
}

forEachAdapter((adapter) => {
  let redis: RedisServer;
  let running: RunningApp;

  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterAll(() => redis.stop());
  beforeEach(async () => {
    mayConnect = deferred();
    mayBegin = deferred();
    const authorize = async () => {
      await mayBegin.promise;
      return true;
    };
    running = await startApp(
      {
        imports: [SseRedisModule.forRoot({ redis: redis.url, prefix: randomUUID(), authorize })],
        controllers: [EarlyController],
      },
      adapter,
      { application: { logger: false } },
    );
  });
  afterEach(async () => {
    mayBegin.resolve();
    await running.close();
  });

  it('gives a client its id back that an interceptor took before the handler connected', async () => {
    const hub = running.app.get(SseHub);
    const lastEventId = await hub.cursor();
    const { id } = await hub.publish('news', { data: 'missed' });
    const stream = SseStream.open(`${running.url}/early`, { lastEventId });
    await stream.waitFor(({ data }) => data === 'hello');
    // Nest numbers what has no id.
    expect(stream.lastEventId).toBe('1');
    mayConnect.resolve();
    // The hub has not begun: it asks for rights.
    await until(() => stream.lastEventId === lastEventId);
    mayBegin.resolve();
    expect(await stream.waitFor(({ data }) => data === 'missed')).toMatchObject({ id });
    expect(stream.messages.map(({ type }) => type)).not.toContain('gap');
    await stream.close();
  });

  it('takes the number of an early message away from a client that has no id yet', async () => {
    const stream = SseStream.open(`${running.url}/early`);
    await stream.waitFor(({ data }) => data === 'hello');
    mayConnect.resolve();
    await until(() => stream.lastEventId === '');
    mayBegin.resolve();
    await until(() => stream.lastEventId !== '');
    await stream.close();
  });
});
