import { jest } from '@jest/globals';
import { freePort, startApp, type RunningApp } from '@nestjs-sse-redis/testing';
import { Controller, Get, Logger, UseFilters } from '@nestjs/common';
import { ClientProxyFactory, MessagePattern, Transport } from '@nestjs/microservices';
import { SseClient, SseRedisErrorFilter, SseRedisModule, SseSnapshot } from 'nestjs-sse-redis';
import { firstValueFrom } from 'rxjs';

/** Handlers that are also called without HTTP, as a resolver of GraphQL is. */
@Controller()
@UseFilters(SseRedisErrorFilter)
class BothController {
  @Get('state')
  @MessagePattern('state')
  @SseSnapshot()
  state() {
    return { n: 1 };
  }

  @MessagePattern('client')
  client(@SseClient() { user }: SseClient) {
    return { user };
  }
}

describe('a decorator for streams on a handler of messages', () => {
  let running: RunningApp;
  let port: number;

  beforeAll(async () => {
    port = await freePort();
    running = await startApp(
      { imports: [SseRedisModule.forRoot({})], controllers: [BothController] },
      'express',
      {
        configure: async (app) => {
          app.connectMicroservice({ transport: Transport.TCP, options: { port } });
          await app.startAllMicroservices();
        },
      },
    );
  });
  afterAll(() => running.close());
  afterEach(() => jest.restoreAllMocks());

  it.each(['state', 'client'])('is refused with words that say what to do, by %s', async (pattern) => {
    const { calls } = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined).mock;
    const caller = ClientProxyFactory.create({ transport: Transport.TCP, options: { port } });
    try {
      await expect(firstValueFrom(caller.send(pattern, {}))).rejects.toMatchObject({
        code: 'NOT_SSE_ROUTE',
      });
    } finally {
      await caller.close();
    }
    expect(calls.flat().join()).toMatch(
      new RegExp(`BothController\\.${pattern}\\(\\) is called by rpc, .* hub\\.cursor\\(\\)`),
    );
  });

  it('works for requests of HTTP beside that', async () => {
    const answer = await fetch(`${running.url}/state`);
    expect(await answer.json()).toEqual({ n: 1 });
    expect(answer.headers.get('sse-cursor')).toMatch(/^\d+-\d+$/);
  });
});
