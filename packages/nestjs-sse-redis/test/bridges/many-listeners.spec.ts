import { startApp, TcpProxy, until, useRedis } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { getEventListeners, getMaxListeners } from 'node:events';
import { OnSseEvent, SseRedisModule } from 'nestjs-sse-redis';
import { EventListeners } from '../../src/listeners/event-listeners.js';

const CHANNELS = Array.from({ length: 12 }, (_, i) => `jobs-${i}`);

class Jobs {
  @OnSseEvent(CHANNELS, { once: 'cluster' })
  work(): void {}
}

describe('many channels of methods of the cluster', () => {
  const redis = useRedis();

  it('wait for Redis once each, and Node does not warn of a leak', async () => {
    const proxy = await TcpProxy.start({ target: redis.port });
    const options = { redis: `redis://127.0.0.1:${proxy.port}`, prefix: randomUUID(), isGlobal: true };
    const module = { imports: [SseRedisModule.forRoot(options)], providers: [Jobs] };
    const running = await startApp(module, 'express');
    try {
      const { signal } = running.app.get(EventListeners)['abort'];
      const waits = () => getEventListeners(signal, 'abort').length;
      const before = waits();
      await proxy.refuse(true);
      proxy.cut();
      await until(() => waits() > before, { interval: 1 });
      await until(() => waits() >= CHANNELS.length, { interval: 1 });
      expect(waits()).toBe(CHANNELS.length);
      expect(getMaxListeners(signal)).toBe(Infinity);
    } finally {
      await proxy.refuse(false);
      await running.close();
      await proxy.stop();
    }
  });
});
