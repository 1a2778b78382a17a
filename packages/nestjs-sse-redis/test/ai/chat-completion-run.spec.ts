import { Body, Controller } from '@nestjs/common';
import { forEachAdapter, startApp, until, useRedis, type RunningApp } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import OpenAI, { APIError } from 'openai';
import { SseHub, SseRedisModule } from 'nestjs-sse-redis';
import { ChatCompletionRun, type AiSource } from '../../src/ai/index.js';
import { RunTap } from '../runs/run-tap.js';
import { closeAtOnce } from './chat.app.js';

const redis = useRedis();
const CHANNEL = 'chat:7';

let tap: RunTap;

const toChunk = (content: string | undefined) => ({
  id: 'c1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'mock',
  choices: [
    content === undefined
      ? { index: 0, delta: {}, finish_reason: 'stop' }
      : { index: 0, delta: { content }, finish_reason: null },
  ],
});

@Controller()
class CompletionController {
  @ChatCompletionRun('chats/:id/chat/completions', (request) => `chat:${request.params.id}`)
  complete(@Body() { messages }: { messages: { content: string }[] }): AiSource {
    if (messages[0]!.content === 'text') return () => ['a text'] as unknown as object[];
    return tap.source as unknown as AiSource;
  }
}

forEachAdapter((adapter) => {
  const apps: RunningApp[] = [];
  let one: RunningApp;
  let other: RunningApp;

  beforeEach(async () => {
    tap = new RunTap();
    const options = { redis: redis.url, prefix: randomUUID() };
    const app = () =>
      startApp({ imports: [SseRedisModule.forRoot(options)], controllers: [CompletionController] }, adapter);
    [one, other] = [await app(), await app()];
    apps.push(one, other);
  });
  afterEach(() => Promise.all(apps.splice(0).map(closeAtOnce)));

  const open = (content = 'hello') => {
    const openai = new OpenAI({ apiKey: 'none', baseURL: `${one.url}/chats/7`, maxRetries: 0 });
    return openai.chat.completions.create({
      model: 'mock',
      stream: true,
      messages: [{ role: 'user', content }],
    });
  };
  const give = (...texts: (string | undefined)[]) => tap.give(...(texts.map(toChunk) as never[]));

  it('streams to the client of OpenAI, to the end', async () => {
    const stream = await open();
    give('The ', 'answer', undefined);
    tap.end();
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks).toEqual(['The ', 'answer', undefined].map(toChunk));
  });

  it('streams a run from its beginning with GET, and answers 204 when it is over', async () => {
    await open();
    give('The ');
    const response = await fetch(`${other.url}/chats/7/chat/completions`);
    give('answer');
    tap.end();
    const blocks = (await response.text()).split('\n\n').filter((block) => block.startsWith('data: '));
    const data = ['The ', 'answer'].map((text) => `data: ${JSON.stringify(toChunk(text))}`);
    expect(blocks).toEqual([...data, 'data: [DONE]']);
    expect((await fetch(`${other.url}/chats/7/chat/completions`)).status).toBe(204);
  });

  it.each([
    ['stopped', (): Promise<unknown> => other.app.get(SseHub).stopRun(CHANNEL)],
    ['failed', () => Promise.resolve(tap.end(new Error('a secret')))],
  ])('says that the answer is not whole where it was %s', async (code, end) => {
    const stream = await open();
    give('The ');
    const texts: string[] = [];
    const read = async () => {
      for await (const { choices } of stream) texts.push(choices[0]!.delta.content!);
    };
    const failure = read().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    await until(() => texts.length === 1);
    await end();
    const error = await failure;
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ code });
    expect((error as Error).message).not.toContain('secret');
  });

  it('breaks the connection behind the error, for clients that pass over it (LangChain4j)', async () => {
    const answer = fetch(`${one.url}/chats/7/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ stream: true, messages: [{ content: 'hello' }] }),
    });
    await until(() => one.app.get(SseHub).runOf(CHANNEL));
    give('The ');
    tap.end(new Error('a secret'));
    let text = '';
    const read = async () => {
      const parts = (await answer).body!.pipeThrough(new TextDecoderStream());
      for await (const part of parts) text += part;
    };
    await expect(read()).rejects.toThrow();
    const data = text.split('\n').filter((line) => line.startsWith('data: '));
    expect(data.map((line) => JSON.parse(line.slice('data: '.length)) as object)).toEqual([
      toChunk('The '),
      { error: expect.objectContaining({ code: 'failed' }) as object },
    ]);
  });

  it('fails where the method gives texts instead of chunks, and the client is told', async () => {
    const stream = await open('text');
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'failed' });
  });

  it('refuses requests that do not ask for a stream', async () => {
    const openai = new OpenAI({ apiKey: 'none', baseURL: `${one.url}/chats/7`, maxRetries: 0 });
    const messages = [{ role: 'user' as const, content: 'hello' }];
    const failed = openai.chat.completions.create({ model: 'mock', messages });
    await expect(failed).rejects.toMatchObject({ status: 400 });
    expect(await one.app.get(SseHub).runOf(CHANNEL)).toBeUndefined();
  });
});
