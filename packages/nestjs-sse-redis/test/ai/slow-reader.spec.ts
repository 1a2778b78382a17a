import { jest } from '@jest/globals';
import { Body, Controller } from '@nestjs/common';
import { forEachAdapter, startApp, until, useRedis, type RunningApp } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import type { Server, ServerResponse } from 'node:http';
import { SseHub, SseRedisModule } from 'nestjs-sse-redis';
import { UiMessageRun, type AiSource } from '../../src/ai/index.js';
import { RunStream } from '../../src/ai/run-stream.js';
import { closeAtOnce } from './chat.app.js';

const redis = useRedis();
const TEXT = 'x'.repeat(20_000);
/** More than the buffers of two sockets. */
const CHUNKS = 1_500;
const BUFFERED = 100_000;

@Controller()
class ChatController {
  @UiMessageRun('chat', (chat) => `chat:${chat}`)
  answer(@Body() _body: object): AiSource {
    return () =>
      Array.from({ length: CHUNKS }, (_, i) => ({ type: 'text-delta', id: '1', delta: `${i} ${TEXT}` }));
  }
}

forEachAdapter((adapter) => {
  let app: RunningApp;
  let response: ServerResponse;

  async function start(stallTimeout: number): Promise<Response> {
    const options = {
      redis: redis.url,
      prefix: randomUUID(),
      stallTimeout,
      limits: { bufferedBytes: BUFFERED },
    };
    app = await startApp(
      { imports: [SseRedisModule.forRoot(options)], controllers: [ChatController] },
      adapter,
    );
    (app.app.getHttpServer() as Server).prependListener(
      'request',
      (_request, made) => (response = made as ServerResponse),
    );
    const headers = { 'content-type': 'application/json' };
    return fetch(`${app.url}/chat`, { method: 'POST', headers, body: JSON.stringify({ id: '7' }) });
  }
  const isOver = async () => (await app.app.get(SseHub).runOf('chat:7'))?.state === 'done';

  afterEach(() => closeAtOnce(app));

  it('holds no more than bufferedBytes for a client that does not read, which then gets all', async () => {
    const waiting: number[] = [];
    const push = jest.spyOn(RunStream.prototype, 'push').mockImplementation(function (
      this: RunStream,
      ...args
    ) {
      const hasRoom = Object.getPrototypeOf(RunStream.prototype).push.apply(this, args) as boolean;
      waiting.push(this.readableLength);
      return hasRoom;
    });
    try {
      const answer = await start(60_000);
      await until(isOver);
      await until(() => response.writableNeedDrain);
      const chunks = (await answer.text()).split('\n\n').filter((block) => block.startsWith('data: {'));
      const deltas = chunks.map((block) => (JSON.parse(block.slice(6)) as { delta: string }).delta);
      expect(deltas.map((delta) => Number.parseInt(delta, 10))).toEqual([...Array(CHUNKS).keys()]);
      // And an event, of which `batch` makes up to payloadBytes / 3.
      expect(Math.max(...waiting)).toBeLessThan(BUFFERED + 1_048_576);
    } finally {
      push.mockRestore();
    }
  });

  it('cuts off a client that takes nothing for stallTimeout, and not as if the answer were whole', async () => {
    const answer = await start(500);
    await until(() => response.destroyed);
    await expect(answer.text()).rejects.toThrow();
  });
});
