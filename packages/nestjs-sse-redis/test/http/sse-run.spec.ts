import {
  Body,
  Controller,
  HttpException,
  Injectable,
  Param,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { forEachAdapter, startApp, until, useRedis, type RunningApp } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { SseHub, SseRedisModule, SseRun, type RunSource } from 'nestjs-sse-redis';
import { RunTap, tokens } from '../runs/run-tap.js';

const redis = useRedis();

let tap: RunTap;
let starts: unknown[];

@Injectable()
class KeyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<{ headers: Record<string, string>; user?: object }>();
    request.user = { id: request.headers['x-user'] };
    return request.headers['x-user'] !== undefined;
  }
}

@Controller('chats')
class ChatController {
  @UseGuards(KeyGuard)
  @SseRun(':id', (request) => `chat:${request.params.id}`, { batch: 20 })
  answer(@Param('id') id: string, @Body() body: { prompt?: string }): RunSource {
    if (!body?.prompt) throw new HttpException('no prompt', 400);
    starts.push([id, body.prompt]);
    return tap.source;
  }

  @UseGuards(KeyGuard)
  @SseRun('short/:id', (request) => `short:${request.params.id}`, { retainAfterEnd: 1_000 })
  forgotten(): RunSource {
    return tap.source;
  }
}

/** The answer to a request of a stream, as a page that uses fetch reads it. */
class Answer {
  text = '';
  isOver = false;
  private readonly abort = new AbortController();

  constructor(readonly response: Response) {
    void this.read().catch(() => undefined);
  }

  get data(): string {
    const blocks = this.text.split('\n\n').filter((block) => !block.includes('event: '));
    return blocks.flatMap((block) => /^data: (.*)$/m.exec(block)?.[1] ?? []).join('');
  }

  get lastId(): string {
    return [...this.text.matchAll(/^id: (.*)$/gm)].at(-1)![1]!;
  }

  get end(): unknown {
    const end = /event: end\ndata: (.*)/.exec(this.text);
    return end ? JSON.parse(end[1]!) : undefined;
  }

  leave(): void {
    this.abort.abort();
  }

  private async read(): Promise<void> {
    const reader = this.response.body!.pipeThrough(new TextDecoderStream()).getReader();
    this.abort.signal.addEventListener('abort', () => void reader.cancel());
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      this.text += value;
    }
    this.isOver = true;
  }
}

forEachAdapter((adapter) => {
  const apps: RunningApp[] = [];
  const answers: Answer[] = [];
  let one: RunningApp;
  let other: RunningApp;

  beforeEach(async () => {
    tap = new RunTap();
    starts = [];
    const prefix = randomUUID();
    const start = async (interceptors: NestInterceptor[]): Promise<RunningApp> => {
      const isNotEve = (client: { user: string | undefined }): boolean => client.user !== 'eve';
      const authorize = { 'chat:{id}': isNotEve, 'short:{id}': isNotEve };
      const module = {
        imports: [SseRedisModule.forRoot({ redis: redis.url, prefix, authorize })],
        controllers: [ChatController],
      };
      apps.push(
        await startApp(module, adapter, {
          configure: (app) => void app.useGlobalInterceptors(...interceptors),
        }),
      );
      return apps.at(-1)!;
    };
    // Under an interceptor Nest sends headers while a handler still waits.
    const passOn: NestInterceptor = { intercept: (_context, next) => next.handle() };
    [one, other] = [await start([]), await start([passOn])];
  });
  afterEach(async () => {
    for (const answer of answers.splice(0)) answer.leave();
    await Promise.all(apps.splice(0).map((app) => app.close()));
  });

  async function ask(
    app: RunningApp,
    method: 'GET' | 'POST' | 'DELETE',
    {
      id = '7',
      headers = {},
      prompt = 'hello',
    }: { id?: string; headers?: Record<string, string>; prompt?: string } = {},
  ): Promise<Answer> {
    const response = await fetch(`${app.url}/chats/${id}`, {
      method,
      headers: {
        'x-user': 'ada',
        ...(method === 'POST' && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(method === 'POST' && { body: JSON.stringify({ prompt }) }),
    });
    const answer = new Answer(response);
    answers.push(answer);
    return answer;
  }

  /** A run of `a` and `b`, whose reader left behind `a`. @returns the last id that it had */
  async function leaveInMidst(id?: string): Promise<string> {
    const post = await ask(one, 'POST', { ...(id !== undefined && { id }) });
    tap.give('a');
    await until(() => post.data === 'a');
    const { lastId } = post;
    post.leave();
    tap.give('b');
    tap.end();
    return lastId;
  }

  it('starts a run with POST and streams it, and resumes it with GET in another process', async () => {
    const post = await ask(one, 'POST');
    expect(post.response.status).toBe(200);
    expect(post.response.headers.get('content-type')).toContain('text/event-stream');
    tap.give(...tokens(3));
    await until(() => post.data === tokens(3).join(''));
    const { lastId } = post;
    post.leave();
    tap.give('four ');
    const whole = await ask(other, 'GET');
    await until(() => whole.data === `${tokens(3).join('')}four `);
    const rest = await ask(one, 'GET', { headers: { 'last-event-id': lastId } });
    await until(() => rest.data === 'four ');
    tap.give('five');
    tap.end();
    await until(() => whole.isOver && rest.isOver);
    expect(whole.data).toBe(`${tokens(3).join('')}four five`);
    expect(rest.data).toBe('four five');
    expect(rest.end).toMatchObject({ channel: 'chat:7', outcome: 'done' });
    expect(starts).toEqual([['7', 'hello']]);
  });

  it('gives who returns the rest of a run that is no longer known, and 204 when that is read', async () => {
    const id = 'short/7';
    const lastId = await leaveInMidst(id);
    const hub = one.app.get(SseHub);
    await until(async () => (await hub.history('short:7')).events.at(-1)?.type === 'end');
    await until(async () => (await hub.runOf('short:7')) === undefined);
    const rest = await ask(other, 'GET', { id, headers: { 'last-event-id': lastId } });
    await until(() => rest.isOver);
    expect([rest.data, rest.end]).toEqual(['b', expect.objectContaining({ outcome: 'done' })]);
    expect((await ask(other, 'GET', { id, headers: { 'last-event-id': rest.lastId } })).response.status).toBe(
      204,
    );
    expect((await ask(other, 'GET', { id })).response.status).toBe(204);
  });

  it('answers GET with 204 when nothing runs, and gives who returns the rest first', async () => {
    expect((await ask(one, 'GET')).response.status).toBe(204);
    const lastId = await leaveInMidst();
    const hub = one.app.get(SseHub);
    await until(async () => (await hub.runOf('chat:7'))?.state === 'done');
    const none = await ask(other, 'GET');
    expect(none.response.status).toBe(204);
    expect(none.response.headers.get('cache-control')).toBe('no-store');
    const rest = await ask(other, 'GET', { headers: { 'last-event-id': lastId } });
    await until(() => rest.isOver);
    expect([rest.data, rest.end]).toEqual(['b', expect.objectContaining({ outcome: 'done' })]);
    const again = await ask(other, 'GET', { headers: { 'last-event-id': rest.lastId } });
    expect(again.response.status).toBe(204);
    // An id that is none is told of a gap, not sent away.
    const foreign = await ask(other, 'GET', { headers: { 'last-event-id': 'x' } });
    expect(foreign.response.status).toBe(200);
  });

  it('stops a run with DELETE from another process, and as often as it is asked', async () => {
    const post = await ask(one, 'POST');
    tap.give('a');
    await until(() => post.data === 'a');
    expect((await ask(other, 'DELETE')).response.status).toBe(204);
    await until(() => post.isOver);
    expect(post.end).toMatchObject({ outcome: 'stopped' });
    expect(tap.signals[0]!.aborted).toBe(true);
    expect((await ask(other, 'DELETE')).response.status).toBe(204);
  });

  it('joins a run that is going on, and does not make its source again', async () => {
    const post = await ask(one, 'POST');
    tap.give('a');
    await until(() => post.data === 'a');
    const second = await ask(other, 'POST', { prompt: 'again' });
    await until(() => second.data === 'a');
    expect(tap.signals).toHaveLength(1);
    tap.end();
    await until(() => post.isOver && second.isOver);
  });

  it('asks guards and authorize for all three, before anything is done', async () => {
    const post = await ask(one, 'POST');
    for (const method of ['GET', 'POST', 'DELETE'] as const) {
      const nobody = await fetch(`${other.url}/chats/7`, { method });
      expect([method, nobody.status]).toEqual([method, 403]);
      const refused = await ask(other, method, { headers: { 'x-user': 'eve' } });
      expect([method, refused.response.status]).toEqual([method, 403]);
      const own = await ask(other, method, { id: '8', headers: { 'x-user': 'eve' } });
      expect([method, own.response.status]).toEqual([method, 403]);
    }
    expect(starts).toHaveLength(1);
    const hub = one.app.get(SseHub);
    expect(await hub.runOf('chat:8')).toBeUndefined();
    expect(await hub.runOf('chat:7')).toMatchObject({ state: 'running' });
    tap.end();
    await until(() => post.isOver);
  });

  it('answers with the status of what the method throws, and starts nothing', async () => {
    const post = await ask(one, 'POST', { prompt: '' });
    expect(post.response.status).toBe(400);
    expect(await one.app.get(SseHub).runOf('chat:7')).toBeUndefined();
  });
});
