import {
  deferred,
  forEachAdapter,
  RedisServer,
  SseStream,
  Stopwatch,
  until,
  useRedis,
} from '@nestjs-sse-redis/testing';
import { jest } from '@jest/globals';
import { SseRedisModule } from 'nestjs-sse-redis';
import { ClientConnections } from '../../src/clients/client-connections.js';
import { Drain } from '../../src/clients/drain.js';
import { RoomsProcess } from '../registry/rooms-process.js';
import { dataOf, Rooms } from './rooms.app.js';

const redis = useRedis();

forEachAdapter((adapter) => {
  it('hands 5,000 open streams over within the time, and takes everything out of the registry', async () => {
    const options = {
      redis: redis.url,
      prefix: `many-${adapter}`,
      drain: { timeout: 5_000 },
      // A busy machine shall not cost it its lease.
      registry: { leaseTtl: 120_000 },
    };
    const [closing, watching] = await Promise.all([
      RoomsProcess.start(adapter, options),
      RoomsProcess.start(adapter, options),
    ]);
    const crowd = await closing.connect(
      Array.from({ length: 5_000 }, () => ({ path: '/rooms?channels=news' })),
    );
    expect(await watching.count()).toBe(5_000);
    await watching.changes();
    const watch = Stopwatch.start();
    // Nest ends by sending itself the signal again, after all hooks have run.
    expect(await closing.app.kill('SIGTERM')).toMatchObject({ signal: 'SIGTERM' });
    const ms = watch.stop();
    process.stdout.write(
      `\n${adapter}: 5,000 streams handed over, and the process ended, in ${ms.toFixed(0)} ms\n`,
    );
    await until(() => crowd.closed === 5_000);
    expect(await watching.count()).toBe(0);
    expect((await watching.nodes()).map(({ id }) => id)).toEqual([watching.nodeId]);
    const reasons = new Map<string, number>();
    await until(async () => {
      for (const { type, reason } of (await watching.changes()).all) {
        if (type === 'disconnected') reasons.set(reason!, (reasons.get(reason!) ?? 0) + 1);
      }
      return [...reasons.values()].reduce((sum, count) => sum + count, 0) >= 5_000;
    });
    expect(reasons).toEqual(new Map([['drained', 5_000]]));
    // The drain's own time, then what Nest takes to end; a busy machine may take longer, but not for ever.
    expect(ms).toBeLessThan(60_000);
    await watching.stop();
    // 5,000 connections and three processes; what counts is the time of the drain alone.
  }, 600_000);

  it('is not ready while it hands over, sends newcomers away, and gives each client a time of its own', async () => {
    // The hub takes 10 ms for each stream; a busy machine may need longer until the last of them has ended.
    const rooms = await Rooms.start(adapter, redis, { drain: { timeout: 20_000, retry: 1_000 } }, 1);
    const [node] = rooms.nodes;
    // A process that was kept from its processor for three probes is not ready until the next is proven.
    await until(async () => (await node!.hub.readiness()).ready);
    const clients = await Promise.all(
      Array.from({ length: 150 }, async () => {
        const stream = rooms.stream(node!, 'news');
        await until(() => stream.lastEventId !== '', { timeout: 30_000 });
        return stream;
      }),
    );
    const newcomersAnswered = holdAfterDrain();
    const closing = node!.running.close();
    await until(() => node!.hub.stats().drain.active);
    const { ready, problems } = await node!.hub.readiness();
    expect(ready).toBe(false);
    expect(problems).toContain('being shut down');
    const late = rooms.stream(node!, 'news');
    const lateWithStatus = rooms.stream(node!, 'news', { headers: { prefer: 'status' } });
    await Promise.all([late.ended, lateWithStatus.ended]);
    expect([late.error, lateWithStatus.error]).toEqual([undefined, undefined]);
    expect(late.status).toBe(200);
    expect(late.retry).toBeGreaterThan(0);
    expect(dataOf(late, 'error')).toEqual([]);
    expect(lateWithStatus.status).toBe(503);
    newcomersAnswered();
    await closing;
    for (const stream of clients) expect(await stream.ended).toBe('end');
    const retries = clients.map(({ retry }) => retry!);
    for (const retry of retries) {
      expect(retry).toBeGreaterThanOrEqual(500);
      expect(retry).toBeLessThanOrEqual(1_500);
    }
    expect(new Set(retries).size).toBeGreaterThan(10);
    await rooms.stop();
  });

  it('answers a newcomer that comes when the last client is handed over', async () => {
    const rooms = await Rooms.start(adapter, redis, { drain: { timeout: 20_000, retry: 1_000 } }, 1);
    const [node] = rooms.nodes;
    const served = jest.spyOn(ClientConnections.prototype, 'serve');
    // oxlint-disable-next-line typescript/unbound-method -- applied below
    const { run } = Drain.prototype;
    let newcomer: SseStream | undefined;
    const handed = jest.spyOn(Drain.prototype, 'run').mockImplementationOnce(async function (
      this: Drain,
      ...args
    ) {
      const left = await run.apply(this, args);
      newcomer = rooms.stream(node!, 'news');
      // In the turn in which it is served it has no answer yet.
      await new Promise<void>((resolve) => {
        served.mockImplementationOnce(function (this: ClientConnections, ...serveArgs) {
          served.mockRestore();
          this.serve(...serveArgs);
          resolve();
        });
      });
      return left;
    });
    await node!.running.close();
    handed.mockRestore();
    expect([await newcomer!.ended, newcomer!.error]).toEqual(['end', undefined]);
    expect([newcomer!.status, newcomer!.retry! > 0]).toEqual([200, true]);
    await rooms.stop();
  });
});

/** Keeps the server listening after all clients are handed over, until the function that it returns is called. */
function holdAfterDrain(): () => void {
  const held = deferred();
  // oxlint-disable-next-line typescript/unbound-method -- applied below
  const { beforeApplicationShutdown } = SseRedisModule.prototype;
  const hook = jest.spyOn(SseRedisModule.prototype, 'beforeApplicationShutdown');
  hook.mockImplementationOnce(async function (this: SseRedisModule) {
    hook.mockRestore();
    await beforeApplicationShutdown.call(this);
    await held.promise;
  });
  return () => held.resolve();
}

it('ends in bounded time also when Redis is away', async () => {
  const away = await RedisServer.start();
  const rooms = await Rooms.start('fastify', away, { publishTimeout: 2_000, drain: { timeout: 500 } }, 1);
  const streams = Array.from({ length: 5 }, () => rooms.stream(rooms.nodes[0]!, 'news'));
  await until(() => streams.every(({ lastEventId }) => lastEventId !== ''));
  away.pause();
  const watch = Stopwatch.start();
  await rooms.stop();
  expect(watch.stop()).toBeLessThan(15_000);
  expect(streams.map(({ isEventStream }) => isEventStream)).toEqual(streams.map(() => true));
  await away.stop();
});
