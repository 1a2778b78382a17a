import {
  forEachAdapter,
  SseStream,
  startApp,
  until,
  useRedis,
  type RunningApp,
} from '@nestjs-sse-redis/testing';
import { SseHub, SseRegistry, type SseRedisOptions } from 'nestjs-sse-redis';
import { AsyncLocalStorage } from 'node:async_hooks';
import { roomsModule } from './rooms.module.js';

const redis = useRedis();

interface Request {
  readonly headers: Record<string, string>;
}

/** What middleware such as that of nestjs-cls keeps for a request. */
const userOfRequest = new AsyncLocalStorage<string>();

forEachAdapter((adapter) => {
  let running: RunningApp;
  let stream: SseStream;
  let asked: { user: string | undefined; context: string | undefined; channel: string }[];

  async function start(options: SseRedisOptions = {}): Promise<void> {
    asked = [];
    const module = roomsModule({
      redis: redis.url,
      authorize: ({ user }, channel) => {
        asked.push({ user, context: userOfRequest.getStore(), channel });
        return userOfRequest.getStore() === 'ann';
      },
      ...options,
    });
    running = await startApp(module, adapter, {
      configure: (app) => {
        app.use((request: Request, _response: unknown, next: () => void) => {
          userOfRequest.run(request.headers['x-user']!, next);
        });
      },
    });
    stream = SseStream.open(`${running.url}/rooms?channels=a`, { headers: { 'x-user': 'ann' } });
    await stream.waitForBlock(({ id }) => id !== undefined);
    asked.length = 0;
  }

  afterEach(async () => {
    await stream.close();
    await running.close();
  });

  it('asks authorize again in the context of the request that began the stream, when its answer is old', async () => {
    await start({ authorization: { interval: 200 }, heartbeatInterval: 100 });
    await until(() => asked.length > 1);
    expect(asked).toEqual(asked.map(() => ({ user: 'ann', context: 'ann', channel: 'a' })));
    expect(running.app.get(SseHub).stats().connections).toBe(1);
  });

  it('does not lend authorize the context of whoever calls reauthorize or subscribe', async () => {
    await start();
    const hub = running.app.get(SseHub);
    await userOfRequest.run('admin', () => hub.reauthorize({ user: 'ann' }));
    const { connections } = await running.app.get(SseRegistry).list({ user: 'ann' });
    await userOfRequest.run('admin', () => hub.subscribe(connections[0]!.id, ['b']));
    expect(asked).toEqual([
      { user: 'ann', context: 'ann', channel: 'a' },
      { user: 'ann', context: 'ann', channel: 'b' },
    ]);
  });
});
