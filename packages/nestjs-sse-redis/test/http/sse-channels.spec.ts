import { Controller, ForbiddenException, Param, Sse } from '@nestjs/common';
import { forEachAdapter, SseStream, startApp, type RunningApp } from '@nestjs-sse-redis/testing';
import { SseChannels, SseRedisModule } from 'nestjs-sse-redis';
import { setTimeout as pause } from 'node:timers/promises';

/** As an answer of a database. */
const WAIT_MS = 30;

async function load(id: string): Promise<string> {
  await pause(WAIT_MS);
  if (id === 'forbidden') throw new ForbiddenException('not yours');
  return id;
}

@Controller()
class OrdersController {
  @Sse('handler/:id')
  @SseChannels((request) => `order:${request.params.id}`)
  async byHandler(@Param('id') id: string): Promise<void> {
    await load(id);
  }

  @Sse('channels/:id')
  @SseChannels(async (request) => `order:${await load(request.params.id)}`)
  byChannels(): void {}

  @Sse('default/:id')
  @SseChannels((request) => `order:${request.params.id}`)
  async withDefault(@Param('id') id = 'none', @Param('other') other = 'no'): Promise<void> {
    await load(id + other.slice(2));
  }
}

forEachAdapter((adapter) => {
  let running: RunningApp;
  const streams: SseStream[] = [];

  beforeEach(async () => {
    running = await startApp(
      { imports: [SseRedisModule.forRoot({})], controllers: [OrdersController] },
      adapter,
    );
  });
  afterEach(async () => {
    await Promise.all(streams.splice(0).map((stream) => stream.close()));
    await running.close();
  });

  it.each(['handler', 'channels', 'default'])(
    'answers with the status of what is thrown behind a wait, by the %s',
    async (path) => {
      const response = await fetch(`${running.url}/${path}/forbidden`);
      expect([response.status, await response.json()]).toEqual([
        403,
        expect.objectContaining({ message: 'not yours' }),
      ]);
    },
  );

  it.each(['handler', 'channels', 'default'])(
    'streams the channels behind a wait, by the %s',
    async (path) => {
      const stream = SseStream.open(`${running.url}/${path}/7`);
      streams.push(stream);
      await stream.waitForBlock(({ id }) => id !== undefined);
      expect(stream.status).toBe(200);
    },
  );
});
