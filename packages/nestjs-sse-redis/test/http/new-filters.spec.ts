import { jest } from '@jest/globals';
import { forEachAdapter, startApp } from '@nestjs-sse-redis/testing';
import {
  Controller,
  ForbiddenException,
  Get,
  Header,
  Inject,
  Logger,
  ServiceUnavailableException,
  Sse,
  UnauthorizedException,
  type INestApplication,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { SseHub, SseRedisErrorFilter, SseRedisModule, SseStreamFilter } from 'nestjs-sse-redis';

@Controller()
class NewsController {
  constructor(@Inject(SseHub) private readonly hub: SseHub) {}

  @Get('error-of-hub')
  publish() {
    return this.hub.publish('a\nb', { data: 1 });
  }

  @Get('bug')
  bug(): never {
    throw new TypeError('of its own');
  }

  @Get('no-csv')
  @Header('Content-Type', 'text/csv')
  csv() {
    return this.hub.publish('a\nb', { data: 1 });
  }

  @Get('error-as-body')
  errorAsBody(): never {
    throw new UnauthorizedException(
      Object.assign(new Error('of a client'), { config: { secret: 's3cret' } }),
    );
  }

  @Sse('no-stream')
  @Header('Content-Type', 'text/event-stream')
  noStream(): never {
    throw new ForbiddenException('no');
  }

  @Sse('forbidden')
  forbidden(): never {
    throw new ForbiddenException('no');
  }

  @Sse('unavailable')
  unavailable(): never {
    throw new ServiceUnavailableException('no');
  }
}

const EVENTS = { accept: 'text/event-stream' };
const REQUESTS: readonly { path: string; headers?: Record<string, string>; status: number }[] = [
  { path: 'error-of-hub', status: 400 },
  { path: 'no-csv', status: 400 },
  { path: 'error-as-body', status: 401 },
  { path: 'no-stream', status: 403 },
  { path: 'bug', status: 500 },
  { path: 'no-such-route', status: 404 },
  { path: 'middleware', status: 403 },
  { path: 'forbidden', status: 403 },
  { path: 'forbidden', headers: EVENTS, status: 200 },
  { path: 'forbidden', headers: { ...EVENTS, 'last-event-id': 'dismissed' }, status: 204 },
  { path: 'unavailable', headers: EVENTS, status: 200 },
];

forEachAdapter((adapter) => {
  beforeEach(() => {
    jest.spyOn(Logger.prototype, 'error').mockImplementation(() => {});
  });
  afterEach(() => jest.restoreAllMocks());

  /** What an application answers to all requests. */
  async function answersWith(bind: (app: INestApplication) => void) {
    const configure = (app: INestApplication): void => {
      app.use('/middleware', (_request: unknown, _response: unknown, next: (error: Error) => void) =>
        next(new ForbiddenException('no')),
      );
      bind(app);
    };
    const { url, close } = await startApp(
      { imports: [SseRedisModule.forRoot()], controllers: [NewsController] },
      adapter,
      { configure },
    );
    const answers = await Promise.all(
      REQUESTS.map(async ({ path, headers = {} }) => {
        const response = await fetch(`${url}/${path}`, { headers });
        const type = response.headers.get('content-type');
        const caching = response.headers.get('cache-control');
        return {
          status: response.status,
          type,
          caching,
          body: (await response.text()).replace(/\d+/, 'n'),
        };
      }),
    );
    await close();
    return answers;
  }

  it.each([
    {
      name: 'SseStreamFilter',
      create: (hub: SseHub, host?: HttpAdapterHost) => new SseStreamFilter(hub, undefined, host),
      statuses: REQUESTS.map(({ status }) => status),
    },
    {
      name: 'SseRedisErrorFilter',
      create: (_hub: SseHub, host?: HttpAdapterHost) => new SseRedisErrorFilter(host),
      statuses: [400, 400, 401, 403, 500, 404, 403, 403, 403, 403, 503],
    },
  ])(
    'answers all that fails as one of Nest does, where it is `new $name()`',
    async ({ create, statuses }) => {
      const ofNest = await answersWith((app) =>
        app.useGlobalFilters(create(app.get(SseHub), app.get(HttpAdapterHost))),
      );
      expect(ofNest.map(({ status }) => status)).toEqual(statuses);
      const made = await answersWith((app) => app.useGlobalFilters(create(app.get(SseHub))));
      expect(made).toEqual(ofNest);
    },
  );
});
