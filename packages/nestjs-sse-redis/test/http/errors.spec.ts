import { jest } from '@jest/globals';
import { forEachAdapter, startApp } from '@nestjs-sse-redis/testing';
import {
  Catch,
  Controller,
  Get,
  HttpException,
  Inject,
  Logger,
  Query,
  Sse,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core';
import { SseClient, SseHub, SseRedisModule, type PipeSource } from 'nestjs-sse-redis';

/** As Nest's documentation has it: "Catch everything". */
@Catch()
class CatchEverythingFilter implements ExceptionFilter {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  catch(exception: unknown, context: ArgumentsHost): void {
    const status = exception instanceof HttpException ? exception.getStatus() : 500;
    this.host.httpAdapter.reply(context.switchToHttp().getResponse(), { caught: status }, status);
  }
}

@Controller()
class StreamsController {
  constructor(@Inject(SseHub) private readonly hub: SseHub) {}

  @Sse('streams')
  streams(
    @SseClient() client: SseClient,
    @Query('channels') channels: string,
    @Query('rewind') rewind?: string,
    @Query('from') from?: string,
  ) {
    return this.hub.connect(client, channels.split(','), {
      ...(rewind !== undefined && { rewind: Number(rewind) }),
      ...(from !== undefined && { from }),
    });
  }

  @Get('history')
  history(@Query('after') after: string, @Query('limit') limit?: string) {
    return this.hub.history('a', { after, ...(limit !== undefined && { limit: Number(limit) }) });
  }

  @Get('publish')
  publish(@Query('type') type: string) {
    return this.hub.publish('a', { type, data: null });
  }

  @Get('pipe')
  pipe() {
    // oxlint-disable-next-line require-yield -- it fails before it gives anything
    const source = (function* (): Generator<string> {
      throw new Error('the model is away');
    })();
    return this.hub.pipe('a', source as PipeSource);
  }
}

/** What a client may do wrong, each with the answer that it deserves. */
const mistakes = [
  { mistake: 'a control character', path: '/streams?channels=a%0Ab', code: 'INVALID_CHANNEL' },
  { mistake: 'a long name', path: `/streams?channels=${'x'.repeat(300)}`, code: 'INVALID_CHANNEL' },
  { mistake: 'too many channels', path: '/streams?channels=1,2,3,4,5,6,7,8,9', code: 'TOO_MANY_CHANNELS' },
  { mistake: 'a negative rewind', path: '/streams?channels=a&rewind=-1', code: 'INVALID_ARGUMENT' },
  { mistake: 'a from that is no id', path: '/streams?channels=a&from=yesterday', code: 'INVALID_EVENT_ID' },
  {
    mistake: 'a from beside a rewind',
    path: '/streams?channels=a&from=1767225600000-0&rewind=1',
    code: 'INVALID_ARGUMENT',
  },
  { mistake: 'a rewind in words', path: '/streams?channels=a&rewind=many', code: 'INVALID_ARGUMENT' },
  { mistake: 'a word for an id', path: '/history?after=yesterday', code: 'INVALID_EVENT_ID' },
  { mistake: 'a negative limit', path: '/history?after=1-1&limit=-5', code: 'INVALID_ARGUMENT' },
  { mistake: 'a reserved type', path: '/publish?type=error', code: 'INVALID_EVENT' },
];

forEachAdapter((adapter) => {
  const logged: unknown[] = [];
  const closing: (() => unknown)[] = [];

  beforeEach(() => {
    logged.length = 0;
    jest
      .spyOn(Logger.prototype, 'error')
      .mockImplementation((...words: unknown[]) => void logged.push(words));
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    for (const close of closing.splice(0)) await close();
  });

  async function start(filter = false): Promise<string> {
    const running = await startApp(
      {
        module: class {},
        imports: [SseRedisModule.forRoot({ limits: { channelsPerConnection: 8 } })],
        controllers: [StreamsController],
        providers: filter ? [{ provide: APP_FILTER, useClass: CatchEverythingFilter }] : [],
      },
      adapter,
    );
    closing.push(() => running.close());
    return running.url;
  }

  it.each(mistakes)('answers $mistake with 400 $code, and logs no error', async ({ path, code }) => {
    const answer = await fetch(`${await start()}${path}`);
    expect(answer.status).toBe(400);
    const body = (await answer.json()) as Record<string, unknown>;
    expect(body).toEqual({ statusCode: 400, code, message: expect.any(String) as string });
    expect(logged).toEqual([]);
  });

  it.each(mistakes)('keeps the 400 for $mistake under a filter that catches everything', async ({ path }) => {
    const answer = await fetch(`${await start(true)}${path}`);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({ caught: 400 });
  });

  it('hides the words of a failed source from the client, and logs them', async () => {
    const answer = await fetch(`${await start()}/pipe`);
    expect(answer.status).toBe(500);
    expect(await answer.json()).toEqual({
      statusCode: 500,
      code: 'SOURCE_FAILED',
      message: 'Internal Server Error',
    });
    expect(JSON.stringify(logged)).toContain('the model is away');
  });
});
