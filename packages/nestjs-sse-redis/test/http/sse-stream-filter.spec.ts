import { jest } from '@jest/globals';
import { forEachAdapter, SseStream, startApp, until } from '@nestjs-sse-redis/testing';
import {
  Controller,
  HttpException,
  Inject,
  Injectable,
  Logger,
  Sse,
  UseFilters,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { EventSource } from 'eventsource';
import { SseClient, SseHub, SseRedisModule, SseStreamFilter } from 'nestjs-sse-redis';

/** What the guard of the routes throws, until it is undefined. */
let refusal: (() => Error) | undefined;
let requests = 0;
let retryAfter: () => string;
let retryAfterName: string;

@Injectable()
class RefusingGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    requests++;
    const response = context.switchToHttp().getResponse<{ header(name: string, value: string): void }>();
    if (refusal && isStatus(429)) response.header(retryAfterName, retryAfter());
    if (refusal) throw refusal();
    return true;
  }
}

const isStatus = (status: number): boolean => {
  const error = refusal?.();
  const { statusCode } = (error ?? {}) as { statusCode?: number };
  return (error instanceof HttpException ? error.getStatus() : statusCode) === status;
};

@Controller()
@UseGuards(RefusingGuard)
class StreamsController {
  constructor(@Inject(SseHub) private readonly hub: SseHub) {}

  @Sse('filtered')
  @UseFilters(SseStreamFilter)
  filtered(@SseClient() client: SseClient) {
    return this.hub.connect(client, 'news');
  }

  @Sse('bare')
  bare(@SseClient() client: SseClient) {
    return this.hub.connect(client, 'news');
  }
}

const status = (code: number) => () => new HttpException('no', code);

/** As the package `http-errors` makes it, with which middlewares and libraries refuse. */
const libraryError = (code: number) => () =>
  Object.assign(new Error('no'), { status: code, statusCode: code, expose: code < 500 });

forEachAdapter((adapter) => {
  const closing: (() => unknown)[] = [];
  let url: string;
  let hub: SseHub;

  beforeEach(async () => {
    requests = 0;
    retryAfter = () => '7';
    retryAfterName = 'Retry-After';
    const running = await startApp(
      {
        module: class {},
        imports: [SseRedisModule.forRoot({ retry: 20 })],
        controllers: [StreamsController],
      },
      adapter,
    );
    hub = running.app.get(SseHub);
    url = running.url;
    closing.push(() => running.close());
  });
  afterEach(async () => {
    refusal = undefined;
    for (const close of closing.splice(0).toReversed()) await close();
  });

  function connect(path: string) {
    const source = new EventSource(`${url}${path}`);
    const seen: string[] = [];
    // The library's own errors have no data.
    source.addEventListener('error', (event) => {
      if ('data' in event) seen.push(String(event.data));
    });
    source.addEventListener('end', () => seen.push('end'));
    source.addEventListener('message', ({ data }) => seen.push(String(data)));
    closing.push(() => source.close());
    return { source, seen };
  }

  /** What a client without a parser of its own reads of a refusal. */
  async function refused() {
    const answer = await fetch(`${url}/filtered`, { headers: { accept: 'text/event-stream' } });
    const body = await answer.text();
    const retry = /^retry: (\d+)$/m.exec(body)?.[1];
    return { body, retry: retry === undefined ? undefined : Number(retry) };
  }

  it.each([429, 503, 401])(
    'holds an answer for %i open, so that who ignores retry: asks once a second',
    async (code) => {
      refusal = status(code);
      const began = performance.now();
      const response = await fetch(`${url}/filtered`, { headers: { accept: 'text/event-stream' } });
      expect(await response.text()).toContain('event: error');
      // Timers of Node may be a millisecond early.
      expect(performance.now() - began).toBeGreaterThan(990);
    },
  );

  it.each([
    { error: status(500), code: 'UNAVAILABLE' },
    { error: status(503), code: 'UNAVAILABLE' },
    { error: () => new Error('the database is away'), code: 'UNAVAILABLE' },
  ])(
    'keeps an EventSource through a refusal with $code, and it connects when the guard lets it',
    async ({ error, code }) => {
      refusal = error;
      const { source, seen } = connect('/filtered');
      await until(() => requests >= 3);
      expect(new Set(seen)).toEqual(new Set([JSON.stringify({ code })]));
      refusal = undefined;
      await until(() => hub.stats().connections === 1);
      await hub.publish('news', { data: 'hello' });
      await until(() => seen.includes('hello'));
      expect(source.readyState).toBe(source.OPEN);
    },
  );

  it('tells a client of a rate limit, and when to come back as Retry-After does', async () => {
    refusal = status(429);
    const stream = SseStream.open(`${url}/filtered`, { lastEventId: '17-1' });
    const { message, id } = await stream.waitForBlock(() => true);
    expect(message).toMatchObject({ type: 'error', data: '{"code":"TOO_MANY_REQUESTS"}' });
    expect(id).toBe('17-1');
    expect(stream.retry).toBe(7_000);
  });

  it.each([
    { header: '1.2345', from: 1_235, to: 1_235 },
    { header: '99999999999', from: 2_147_483_647, to: 2_147_483_647 },
    { header: 'in a minute', from: 0, to: 40 },
    { header: '-5', from: 0, to: 40 },
  ])('tells a time that a client can wait for where Retry-After is $header', async ({ header, from, to }) => {
    refusal = status(429);
    retryAfter = () => header;
    const { retry } = await refused();
    expect(retry).toBeGreaterThanOrEqual(from);
    expect(retry).toBeLessThanOrEqual(to);
  });

  it('tells a client of a rate limit of a plugin of Fastify, which throws a plain Error', async () => {
    refusal = () => Object.assign(new Error('Rate limit exceeded'), { statusCode: 429 });
    const { body, retry } = await refused();
    expect(body).toContain('{"code":"TOO_MANY_REQUESTS"}');
    expect(retry).toBe(7_000);
  });

  it('takes the status of another plain Error for that of a service', async () => {
    refusal = () => Object.assign(new Error('the token of the service has expired'), { statusCode: 401 });
    expect((await refused()).body).toContain('{"code":"UNAVAILABLE"}');
  });

  it('tells the time of a throttler that has a name', async () => {
    refusal = status(429);
    retryAfterName = 'Retry-After-short';
    expect((await refused()).retry).toBe(7_000);
  });

  it('tells the time until a Retry-After that is a date', async () => {
    refusal = status(429);
    retryAfter = () => new Date(Date.now() + 3_600_000).toUTCString();
    const { retry } = await refused();
    expect(retry).toBeGreaterThan(1_800_000);
    expect(retry).toBeLessThanOrEqual(3_600_000);
  });

  it.each([
    { error: libraryError(403), code: 'FORBIDDEN', retries: false, logs: 0 },
    { error: libraryError(429), code: 'TOO_MANY_REQUESTS', retries: true, logs: 0 },
    { error: libraryError(503), code: 'UNAVAILABLE', retries: true, logs: 1 },
  ])("answers a library's error by its status with $code, and logs it $logs times", async (given) => {
    const log = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => {});
    refusal = given.error;
    const { body, retry } = await refused();
    expect(body).toContain(JSON.stringify({ code: given.code }));
    expect(retry !== undefined).toBe(given.retries);
    expect(log).toHaveBeenCalledTimes(given.logs);
    log.mockRestore();
  });

  it("leaves the status of a library's error that no return would change", async () => {
    refusal = libraryError(404);
    const answer = await fetch(`${url}/filtered`, { headers: { accept: 'text/event-stream' } });
    expect(answer.status).toBe(404);
  });

  it.each([
    { status: 401, code: 'UNAUTHORIZED' },
    { status: 403, code: 'FORBIDDEN' },
  ])('ends an EventSource for good after $status', async ({ status: refused, code }) => {
    refusal = status(refused);
    const { source, seen } = connect('/filtered');
    await until(() => source.readyState === source.CLOSED);
    expect(seen).toEqual([JSON.stringify({ code }), 'end']);
    expect(requests).toBe(2);
  });

  it.each([
    { path: '/bare', headers: {}, refused: 503 },
    { path: '/filtered', headers: { prefer: 'status' }, refused: 503 },
    { path: '/filtered', headers: { accept: 'application/json' }, refused: 503 },
    { path: '/filtered', headers: {}, refused: 404 },
  ])('leaves the status $refused to $path with $headers', async ({ path, headers, refused }) => {
    refusal = status(refused);
    const answer = await fetch(`${url}${path}`, {
      headers: { accept: 'text/event-stream', ...headers } as Record<string, string>,
    });
    expect(answer.status).toBe(refused);
    expect(await answer.json()).toMatchObject({ statusCode: refused });
  });

  it('loses an EventSource to a 503 without the filter (negative control)', async () => {
    refusal = status(503);
    const { source } = connect('/bare');
    await until(() => source.readyState === source.CLOSED);
    expect(requests).toBe(1);
  });
});
