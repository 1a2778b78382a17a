import { Controller, type INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { startApp, until } from '@nestjs-sse-redis/testing';
import { SseHub, SseRedisModule } from 'nestjs-sse-redis';
import { connect, type ClientHttp2Session } from 'node:http2';
import { ChatCompletionRun, type AiSource } from '../../src/ai/index.js';
import { RunTap } from '../runs/run-tap.js';

let tap: RunTap;

@Controller()
class CompletionController {
  @ChatCompletionRun('chat', () => 'chat')
  complete(): AiSource {
    return tap.source as unknown as AiSource;
  }
}

describe('a run of chunks over HTTP/2', () => {
  let app: INestApplication;
  let session: ClientHttp2Session;

  beforeEach(async () => {
    tap = new RunTap();
    const imports = [SseRedisModule.forRoot({ drain: { timeout: 500 } })];
    const module = { imports, controllers: [CompletionController] };
    const running = await startApp(module, new FastifyAdapter({ http2: true }), {
      application: { logger: false },
    });
    app = running.app;
    session = connect(running.url);
    session.on('error', () => undefined);
  });
  afterEach(async () => {
    session.destroy();
    tap.end();
    await app.close();
  });

  /** Reads an answer. Its `end` is how the client takes it in the end. */
  async function ask() {
    const stream = session.request({
      ':path': '/chat',
      ':method': 'POST',
      'content-type': 'application/json',
    });
    const answer = { text: '', end: '' };
    stream.setEncoding('utf8').on('data', (text: string) => (answer.text += text));
    stream.on('end', () => (answer.end ||= 'whole')).on('error', () => (answer.end = 'cut'));
    stream.end(JSON.stringify({ stream: true }));
    await until(() => app.get(SseHub).runOf('chat'));
    tap.give({ text: 'The ' } as never);
    await until(() => answer.text.includes('The '));
    return answer;
  }

  it('ends as a whole answer where it is whole', async () => {
    const answer = await ask();
    tap.end();
    await until(() => answer.end);
    expect(answer).toMatchObject({
      end: 'whole',
      text: expect.stringMatching(/data: \[DONE\]\n\n$/) as string,
    });
  });

  it('is cut behind the error where the model fails', async () => {
    const answer = await ask();
    tap.end(new Error('a secret'));
    await until(() => answer.end);
    expect(answer).toMatchObject({ end: 'cut', text: expect.stringContaining('"code":"failed"') as string });
  });

  it('is cut where the process shuts down', async () => {
    const answer = await ask();
    const closing = app.close();
    await until(() => answer.end);
    expect(answer.end).toBe('cut');
    // Fastify waits for connections of HTTP/2 that are open.
    session.destroy();
    await closing;
  });
});
