import { Body, Controller } from '@nestjs/common';
import { forEachAdapter, startApp, until, useRedis, type RunningApp } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import type { Server, ServerResponse } from 'node:http';
import { SseHub, SseRedisModule } from 'nestjs-sse-redis';
import { UiMessageRun, type AiSource } from '../../src/ai/index.js';
import { closeAtOnce } from './chat.app.js';

const redis = useRedis();
const CHANNEL = 'chat:7';
const TEXT = 'x'.repeat(20_000);
/** More than the buffers of two sockets. */
const CHUNKS = 800;
const SHORT = 3;
const BUFFERED = 100_000;
const SHARDS = 3;

interface Question {
  readonly id: string;
  readonly answer: string;
  readonly chunks: number;
  /** It does not end by itself. */
  readonly isOpen?: boolean;
}

interface Chunk {
  readonly type: string;
  readonly delta?: string;
  readonly errorText?: string;
}

async function* answer({ answer, chunks, isOpen }: Question, signal: AbortSignal): AsyncGenerator<object> {
  for (let i = 0; i < chunks; i++) yield { type: 'text-delta', id: '1', delta: `${answer}${i} ${TEXT}` };
  if (isOpen) await new Promise((resolve) => signal.addEventListener('abort', resolve));
}

@Controller()
class ChatController {
  @UiMessageRun('chat', (chat) => `chat:${chat}`)
  answer(@Body() question: Question): AiSource {
    return (signal) => answer(question, signal);
  }
}

/** What a client got: the first word of each text, and whatever else came. */
function toWords(body: string): string[] {
  const data = body.split('\n\n').flatMap((block) => (block.startsWith('data: ') ? [block.slice(6)] : []));
  return data.map((text) => {
    if (text === '[DONE]') return text;
    const { type, delta } = JSON.parse(text) as Chunk;
    return delta?.split(' ')[0] ?? type;
  });
}

forEachAdapter((adapter) => {
  let app: RunningApp;
  const responses: ServerResponse[] = [];

  beforeEach(() => start());
  afterEach(() => closeAtOnce(app));

  async function start(shards = 1): Promise<void> {
    responses.length = 0;
    const options = { redis: redis.url, prefix: randomUUID(), shards };
    const imports = [SseRedisModule.forRoot({ ...options, limits: { bufferedBytes: BUFFERED } })];
    app = await startApp({ imports, controllers: [ChatController] }, adapter);
    (app.app.getHttpServer() as Server).prependListener('request', (_request, response) =>
      responses.push(response),
    );
  }

  const ask = (question: Omit<Question, 'id'>) =>
    fetch(`${app.url}/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id: '7', ...question }),
    });
  const words = (answer: string, count: number) => Array.from({ length: count }, (_, i) => `${answer}${i}`);
  const isOver = async () => (await app.app.get(SseHub).runOf(CHANNEL))?.state === 'done';

  /** An answer of which its client has read nothing, and most is written. */
  async function askSlowly(isOpen: boolean): Promise<Response> {
    const response = await ask({ answer: 'A', chunks: CHUNKS, isOpen });
    await until(() => responses[0]!.writableNeedDrain);
    return response;
  }

  it('gives a slow client the rest of an answer that has ended, and nothing of the next one', async () => {
    const first = await askSlowly(false);
    await until(isOver);
    const second = await ask({ answer: 'B', chunks: SHORT });
    expect(toWords(await second.text())).toEqual([...words('B', SHORT), '[DONE]']);
    expect(toWords(await first.text())).toEqual([...words('A', CHUNKS), '[DONE]']);
  });

  it('tells a slow client that its answer was stopped by the next one, and gives it nothing of that', async () => {
    const first = await askSlowly(true);
    const second = await ask({ answer: 'B', chunks: SHORT });
    expect(toWords(await second.text())).toEqual([...words('B', SHORT), '[DONE]']);
    const read = toWords(await first.text());
    expect(read).toEqual([...words('A', read.length - 2), 'abort', '[DONE]']);
  });

  it('gives a slow client of a hub with several shards the rest of its answer, and nothing of the next one', async () => {
    await closeAtOnce(app);
    await start(SHARDS);
    const first = await askSlowly(false);
    await until(isOver);
    const second = await ask({ answer: 'B', chunks: SHORT });
    expect(toWords(await second.text())).toEqual([...words('B', SHORT), '[DONE]']);
    expect(toWords(await first.text())).toEqual([...words('A', CHUNKS), '[DONE]']);
  });

  it('streams the answer of a hub with several shards behind an end of a pipe', async () => {
    await closeAtOnce(app);
    await start(SHARDS);
    const first = await ask({ answer: 'A', chunks: SHORT, isOpen: true });
    const reader = first.body!.getReader();
    const decoder = new TextDecoder();
    let text = '';
    const read = async () => {
      const { done, value } = await reader.read();
      text += decoder.decode(value, { stream: !done });
      return done;
    };
    while (!text.includes(`A${SHORT - 1} `)) await read();
    await app.app.get(SseHub).pipe(CHANNEL, ['piped']);
    await app.app.get(SseHub).stopRun(CHANNEL);
    while (!(await read()));
    expect(toWords(text)).toEqual([...words('A', SHORT), 'abort', '[DONE]']);
  });

  it('ends the answer of a slow client where another event of the application follows it', async () => {
    const first = await askSlowly(false);
    await until(isOver);
    await app.app.get(SseHub).publish(CHANNEL, { type: 'saved', data: 'A' });
    expect(toWords(await first.text())).toEqual([...words('A', CHUNKS), '[DONE]']);
  });
});
