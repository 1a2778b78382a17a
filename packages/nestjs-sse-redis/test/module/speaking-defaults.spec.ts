import { jest } from '@jest/globals';
import { forEachAdapter, SseStream, startApp, until, useRedis } from '@nestjs-sse-redis/testing';
import { Controller, Get, Inject, Injectable, Logger, Module, Sse, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common'; // prettier-ignore
import { SseClient, SseHub, SseRedisModule, type SseEventInput } from 'nestjs-sse-redis';
import { randomUUID } from 'node:crypto';
import { of, concat, map, merge, NEVER } from 'rxjs';
import { newsModule } from '../http/news.app.js';

const redis = useRedis();

let lines: { level: string; text: string }[] = [];
const closing: (() => unknown)[] = [];

beforeEach(() => {
  lines = [];
  for (const level of ['log', 'warn', 'error'] as const)
    jest
      .spyOn(Logger.prototype, level)
      .mockImplementation((text: unknown) => void lines.push({ level, text: String(text) }));
});
afterEach(async () => {
  jest.restoreAllMocks();
  for (const close of closing.splice(0)) await close();
});

const said = (level: string, part: string) =>
  lines.filter((line) => line.level === level && line.text.includes(part));

async function start(module: Parameters<typeof startApp>[0], adapter: 'express' | 'fastify' = 'express') {
  const running = await startApp(module, adapter);
  closing.push(() => running.close());
  return running;
}

describe('The start', () => {
  it('says which server, address and prefix it uses', async () => {
    await start(newsModule({ redis: redis.url, prefix: 'shop' }));
    const [line, ...others] = said('log', ' uses ');
    expect(line!.text).toMatch(
      /^Hub \S+ uses (Redis|Valkey) \d+\.\d+\.\d+ at 127\.0\.0\.1:\d+, prefix "shop"\.$/,
    );
    expect(others).toEqual([]);
  });

  it.each([{ options: {} }, { options: { redis: 'embedded' } }])(
    'says that the broker is embedded, with $options',
    async ({ options }) => {
      await start(newsModule(options));
      expect(said('log', 'the embedded broker, which serves this process alone')).toHaveLength(1);
    },
  );

  it('warns of an embedded broker in production', async () => {
    const before = process.env['NODE_ENV'];
    process.env['NODE_ENV'] = 'production';
    closing.push(() => (process.env['NODE_ENV'] = before));
    await start(newsModule({ redis: 'embedded' }));
    expect(said('warn', 'set the redis option')).toHaveLength(1);
  });

  it('fails where the redis option is there and undefined', async () => {
    const options = { redis: process.env['AN_UNSET_VARIABLE'] } as { redis: string };
    await expect(startApp(newsModule(options), 'express')).rejects.toThrow(/redis is undefined/);
  });
});

describe('Two equal forRoot()', () => {
  const twins = (options: () => object) => {
    const features = [0, 1].map(() => {
      @Module({ imports: [SseRedisModule.forRoot(options())] })
      class Feature {}
      return Feature;
    });
    return { module: class {}, imports: features };
  };

  it('are refused where the broker is embedded', async () => {
    await expect(
      startApp(
        twins(() => ({})),
        'express',
      ),
    ).rejects.toThrow(/imported more than once/);
  });

  it('are reported once over Redis', async () => {
    const prefix = randomUUID();
    await start(twins(() => ({ redis: redis.url, prefix })));
    expect(said('warn', 'imported more than once')).toHaveLength(1);
  });

  it('are two hubs without a word where their prefixes differ', async () => {
    await start(twins(() => ({ redis: redis.url, prefix: randomUUID() })));
    expect(said('warn', 'imported more than once')).toEqual([]);
  });
});

describe('A channel name', () => {
  it.each(['user:undefined', 'undefined', 'user:null', 'order-null'])(
    'is refused where it is %s',
    async (name) => {
      const { app } = await start(newsModule({}));
      const hub = app.get(SseHub);
      await expect(hub.publish(name, { data: 1 })).rejects.toMatchObject({ code: 'INVALID_CHANNEL' });
      expect(() => hub.events(name)).toThrow(/missing value/);
    },
  );

  it('may have either word in it', async () => {
    const { app } = await start(newsModule({}));
    const published = app.get(SseHub).publish('undefined:null:1', { data: 1 });
    await expect(published).resolves.toHaveProperty('id');
  });
});

describe('An event with fields of Nest’s MessageEvent', () => {
  it.each([{ id: '1' }, { retry: 5 }, { comment: 'x' }])('is refused with %o', async (more) => {
    const { app } = await start(newsModule({}));
    const hub = app.get(SseHub);
    const event = { data: 1, ...more } as SseEventInput;
    await expect(hub.publish('a', event)).rejects.toMatchObject({ code: 'INVALID_EVENT' });
    const [result] = await hub.publishMany([{ channel: 'a', ...event }]);
    expect(result).toMatchObject({ error: { code: 'INVALID_EVENT' } });
    await expect(hub.sendTo('x', event)).rejects.toMatchObject({ code: 'INVALID_EVENT' });
  });

  it('is taken from a pipe of hub.events()', async () => {
    const { app } = await start(newsModule({}));
    const hub = app.get(SseHub);
    await hub.pipe('copy', of({ id: '1-1', channel: 'a', type: 'tick', data: 1 }));
    expect((await hub.history('copy')).events).toMatchObject([{ type: 'tick', data: 1 }, {}]);
  });

  it.each([
    ['publish', (hub: SseHub) => hub.publish('a', { data: 1 }, { idempotenceKey: 'x' } as object)],
    ['history', (hub: SseHub) => hub.history('a', { since: '1-1' } as object)],
    ['events', (hub: SseHub) => Promise.resolve().then(() => hub.events('a', { rewnd: 1 } as object))],
  ])('has no option of %s misspelled', async (_, call) => {
    const { app } = await start(newsModule({}));
    await expect(call(app.get(SseHub))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

/** As Nest's recipes do: Passport gives `userId`, @nestjs/jwt the payload with `sub`. */
@Injectable()
class RecipeGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<{ user?: object; url: string }>();
    request.user = request.url.includes('passport')
      ? { userId: 7, username: 'ann' }
      : { sub: 7, username: 'ann' };
    return true;
  }
}

@Controller()
class SlipsController {
  constructor(@Inject(SseHub) private readonly hub: SseHub) {}

  @Get('get')
  get(@SseClient() client: SseClient) {
    return this.hub.connect(client, 'news');
  }

  @Sse('whose')
  @UseGuards(RecipeGuard)
  whose(@SseClient() client: SseClient) {
    return this.hub.connect(client, 'news');
  }

  @Sse('after-a-snapshot')
  afterASnapshot(@SseClient() client: SseClient) {
    return concat(of({ data: 'snapshot' }), this.hub.connect(client, 'news'));
  }

  @Sse('merged')
  merged(@SseClient() client: SseClient) {
    return merge(NEVER, this.hub.connect(client, 'news').pipe(map((event) => event)));
  }
}

forEachAdapter((adapter) => {
  const slips = () =>
    start({ module: class {}, imports: [SseRedisModule.forRoot()], controllers: [SlipsController] }, adapter);

  it('answers @Get() in the place of @Sse() with an error, and logs the route', async () => {
    const { url, app } = await slips();
    const answer = await fetch(`${url}/get?x=1`);
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ code: 'NOT_SSE_ROUTE' });
    expect(said('error', 'GET /get returned a stream of the hub and is not @Sse()')).toHaveLength(1);
    expect(app.get(SseHub).stats().connections).toBe(0);
  });

  it.each(['after-a-snapshot', 'merged'])(
    'serves a stream behind operators of the application (%s)',
    async (path) => {
      const { url, app } = await slips();
      const stream = SseStream.open(`${url}/${path}`);
      closing.push(() => stream.close());
      await until(() => app.get(SseHub).stats().connectionStates.live === 1);
      await app.get(SseHub).publish('news', { data: 'hello' });
      await stream.waitForBlock(({ message }) => message?.data === 'hello');
    },
  );

  it.each([
    { recipe: 'passport', names: 'request.user?.userId' },
    { recipe: 'jwt', names: 'request.user?.sub' },
  ])('names the id of the $recipe recipe once where request.user has no id', async ({ recipe, names }) => {
    const { url } = await slips();
    const streams = [1, 2].map(() => SseStream.open(`${url}/whose?${recipe}`));
    for (const stream of streams) {
      closing.push(() => stream.close());
      await stream.waitForBlock(() => true);
    }
    expect(said('warn', 'request.user has no id').map(({ text }) => text)).toEqual([
      expect.stringContaining(`identify: (request) => ${names}`),
    ]);
  });
});
