import {
  Controller,
  ForbiddenException,
  Get,
  Inject,
  Injectable,
  Param,
  UseGuards,
  UseInterceptors,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import {
  forEachAdapter,
  RedisServer,
  SseStream,
  startApp,
  until,
  useRedis,
  type RunningApp,
} from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { of, tap } from 'rxjs';
import { SseHub, SseRedisModule, SseSnapshot } from 'nestjs-sse-redis';
import { newsModule } from './news.app.js';

const redis = useRedis();

/** Keeps the first answer for good, as an interceptor of a cache would for a while. */
@Injectable()
class Keeping implements NestInterceptor {
  private kept: unknown;

  intercept(_context: ExecutionContext, next: CallHandler) {
    return this.kept === undefined
      ? next.handle().pipe(tap((answer) => (this.kept = answer)))
      : of(this.kept);
  }
}

@Injectable()
class Members implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.switchToHttp().getRequest<{ params: { id: string } }>().params.id !== 'secret';
  }
}

/** The state of the application, to which a reading takes until an event has been published. */
class Counter {
  value = 0;
  duringRead: () => Promise<unknown> = () => Promise.resolve();
}

@Controller()
class CounterController {
  constructor(@Inject(Counter) private readonly counter: Counter) {}

  @Get('counters/:id')
  @UseGuards(Members)
  @SseSnapshot()
  async read(@Param('id') id: string, @Param('other') other = 'default') {
    const { value } = this.counter;
    await this.counter.duringRead();
    return { id, value, other };
  }

  @Get('kept/:id')
  @SseSnapshot()
  @UseInterceptors(Keeping)
  readKept(@Param('id') id: string) {
    if (id === 'forbidden') throw new ForbiddenException();
    return { id };
  }
}

forEachAdapter((adapter) => {
  let running: RunningApp;
  let hub: SseHub;
  let counter: Counter;
  const streams: SseStream[] = [];

  beforeEach(async () => {
    const { imports, controllers } = newsModule({ prefix: randomUUID(), redis: redis.url });
    running = await startApp(
      { imports, controllers: [...controllers, CounterController], providers: [Counter] },
      adapter,
    );
    hub = running.app.get(SseHub);
    counter = running.app.get(Counter);
  });
  afterEach(async () => {
    await Promise.all(streams.splice(0).map((stream) => stream.close()));
    await running.close();
  });

  const read = async (path: string) => {
    const response = await fetch(`${running.url}/${path}`);
    return {
      status: response.status,
      cursor: response.headers.get('sse-cursor'),
      body: (await response.json()) as { value?: number },
    };
  };

  it('sends a cursor from which a stream has all that the state lacks, also what comes while it is read', async () => {
    await hub.publish('news', { data: 'before' });
    counter.duringRead = () => hub.publish('news', { data: 'meanwhile' });
    const { cursor, body, status } = await read('counters/7');
    expect([status, body]).toEqual([200, { id: '7', value: 0, other: 'default' }]);
    await hub.publish('news', { data: 'after' });
    const stream = SseStream.open(`${running.url}/streams?channels=news`, { lastEventId: cursor! });
    streams.push(stream);
    await until(() => stream.messages.length >= 2);
    expect(stream.messages.map(({ data }) => data)).toEqual(['meanwhile', 'after']);
  });

  it('sends no cursor with an answer that an interceptor has kept', async () => {
    expect((await read('kept/1')).cursor).toMatch(/^\d+-\d+$/);
    expect(await read('kept/1')).toMatchObject({ status: 200, cursor: null });
  });

  it('asks Redis for nothing where a guard refuses', async () => {
    expect(await read('counters/secret')).toMatchObject({ status: 403, cursor: null });
  });
});

describe('a snapshot while Redis is away', () => {
  it('fails with 503 instead of a state without a cursor', async () => {
    const server = await RedisServer.start();
    const running = await startApp(
      {
        imports: [SseRedisModule.forRoot({ redis: server.url, publishTimeout: 2_000 })],
        controllers: [CounterController],
        providers: [Counter],
      },
      'express',
    );
    try {
      await server.stop();
      const response = await fetch(`${running.url}/counters/7`);
      expect([response.status, await response.json()]).toEqual([
        503,
        expect.objectContaining({ code: 'REDIS_UNAVAILABLE' }),
      ]);
    } finally {
      await running.close();
    }
  });
});
