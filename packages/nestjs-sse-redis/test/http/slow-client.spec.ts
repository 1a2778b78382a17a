import {
  assertWhole,
  forEachAdapter,
  SseStream,
  startApp,
  until,
  type AdapterName,
  type RunningApp,
  type SseBlock,
  useRedis,
} from '@nestjs-sse-redis/testing';
import { jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { getDefaultHighWaterMark } from 'node:stream';
import { SseHub, type SseRedisOptions } from 'nestjs-sse-redis';
import { DrainWatch } from '../../src/response/drain-watch.js';
import { ResponseSink } from '../../src/response/response-sink.js';
import { newsModule } from './news.app.js';

const EVENTS = 4_000;
const EVENT_BYTES = 4_096;
/** ms until all of them are there, on a busy machine. */
const PATIENCE = 120_000;
const BUFFERED = 65_536;
/** More than this is never written past the queue. */
const STRAIGHT = 16_384;

const redis = useRedis();

describe.each([{ broker: 'redis' }, { broker: 'memory' }])(
  'a client that does not read, over the $broker broker',
  ({ broker }) => {
    let running: RunningApp;
    let sockets: Socket[];
    let streams: SseStream[];
    let onSlowEvent: () => void = () => undefined;

    /** Publishes far more than the kernel's buffers hold while one of two clients does not read. */
    async function publishToSlowClient(adapter: AdapterName, options: SseRedisOptions) {
      sockets = [];
      running = await startApp(
        newsModule({
          prefix: randomUUID(),
          history: { maxLength: 10_000 },
          ...(broker === 'redis' && { redis: redis.url }),
          ...options,
        }),
        adapter,
        {
          configure: (app) =>
            void (app.getHttpServer() as Server).on('connection', (socket: Socket) => sockets.push(socket)),
        },
      );
      const hub = running.app.get(SseHub);
      const url = `${running.url}/news`;
      // A position, as comes with each heartbeat, is no event: to pause at it would wait for one that never comes.
      const onBlock = ({ message }: SseBlock) => message && onSlowEvent();
      streams = [SseStream.open(url, { onBlock }), SseStream.open(url)];
      const [slow, quick] = streams as [SseStream, SseStream];
      await until(() => streams.every(({ lastEventId }) => lastEventId !== ''));
      slow.pause();
      const pausedAt = performance.now();
      const expected: string[] = [];
      let mostBuffered = 0;
      for (let i = 0; i < EVENTS; i += 50) {
        const events = Array.from({ length: 50 }, () => ({ channel: 'news', data: 'x'.repeat(EVENT_BYTES) }));
        for (const result of await hub.publishMany(events)) expected.push('id' in result ? result.id : '');
        mostBuffered = Math.max(mostBuffered, ...sockets.map(({ writableLength }) => writableLength));
      }
      await quick.waitFor(EVENTS, PATIENCE);
      mostBuffered = Math.max(mostBuffered, ...sockets.map(({ writableLength }) => writableLength));
      return { slow, quick, expected, mostBuffered, pausedAt };
    }

    /**
     * Reads in small pieces, so that all of it takes about so long.
     *
     * @returns the longest time between two of them (the first since it was paused), and that of all, in ms; it may have been ended before it had everything
     */
    async function readNowAndThen(
      slow: SseStream,
      pausedAt: number,
      ms: number,
    ): Promise<{ longestPause: number; ms: number }> {
      let isOver = false;
      void slow.ended.then(() => (isOver = true));
      onSlowEvent = () => slow.pause();
      const started = performance.now();
      let last = pausedAt;
      let longestPause = 0;
      while (slow.messages.length < EVENTS && !isOver) {
        const before = slow.messages.length;
        slow.resume();
        await until(() => slow.messages.length > before || isOver, { interval: 1 });
        longestPause = Math.max(longestPause, performance.now() - last);
        last = performance.now();
        const due = started + (ms * slow.messages.length) / EVENTS;
        await until(() => performance.now() >= due || isOver);
      }
      return { longestPause, ms: performance.now() - started };
    }

    async function stop(): Promise<void> {
      onSlowEvent = () => undefined;
      await Promise.all(streams.map((stream) => stream.close()));
      await running.close();
    }

    /**
     * A process that stands still for as long as `stallTimeout` ends the quick client rightly, too: its reader stands
     * in the same process. Then once more, with the next of these times.
     */
    async function publishWhileQuickOneStays(adapter: AdapterName, stallTimeouts: readonly number[]) {
      for (const stallTimeout of stallTimeouts) {
        try {
          return await publishToSlowClient(adapter, { stallTimeout });
        } catch (error) {
          const { closes } = running.app.get(SseHub).stats();
          const bothStall = until(() => running.app.get(SseHub).stats().closes['stalled'] === 2);
          await bothStall.catch(() => {
            throw new Error(`the quick client failed: ${JSON.stringify(closes)}`, { cause: error });
          });
          await stop();
        }
      }
      throw new Error('The machine stood still in each attempt.');
    }

    afterEach(stop);

    forEachAdapter((adapter) => {
      it('costs a bounded buffer, holds nobody up, and gets everything when it reads again', async () => {
        const { slow, quick, expected, mostBuffered } = await publishToSlowClient(adapter, {
          limits: { bufferedBytes: BUFFERED },
        });
        // What was written past the socket's queue is not counted there.
        expect(mostBuffered).toBeGreaterThan(BUFFERED - STRAIGHT);
        // The write that goes over the limit is the last one.
        expect(mostBuffered).toBeLessThan(BUFFERED + 2 * EVENT_BYTES);
        expect(slow.messages.length).toBeLessThan(EVENTS / 2);
        assertWhole(expected, quick.eventIds, 'the quick client');
        slow.resume();
        await slow.waitFor(EVENTS, PATIENCE);
        assertWhole(expected, slow.eventIds, 'the slow client');
      });
    });

    forEachAdapter((adapter) => {
      it('is closed when it takes nothing for stallTimeout, and resumes where it left off', async () => {
        const { slow, expected } = await publishWhileQuickOneStays(adapter, [300, 2_000, 10_000]);
        const hub = running.app.get(SseHub);
        await until(() => hub.stats().connections === 1);
        slow.resume();
        expect(await slow.ended).toBe('error');
        const { lastEventId } = slow;
        expect(slow.messages.length).toBeLessThan(EVENTS);
        const back = SseStream.open(`${running.url}/news`, { lastEventId });
        streams.push(back);
        await back.waitFor(EVENTS - slow.messages.length, PATIENCE);
        const ids = [...slow.eventIds, ...back.eventIds];
        assertWhole(expected, ids, 'the client that came back');
      });
    });

    it('stays as long as it takes something now and then', async () => {
      // A machine that stands still for as long as that ends the stream rightly: then once more, with a longer time.
      for (const stallTimeout of [1_000, 4_000, 16_000]) {
        const { slow, pausedAt } = await publishToSlowClient('express', {
          stallTimeout,
          heartbeatInterval: 100,
        });
        const { longestPause, ms } = await readNowAndThen(slow, pausedAt, 3 * stallTimeout);
        if (slow.messages.length < EVENTS && longestPause > stallTimeout / 2) {
          await stop();
          continue;
        }
        expect(slow.messages).toHaveLength(EVENTS);
        expect(ms).toBeGreaterThan(2 * stallTimeout);
        expect(running.app.get(SseHub).stats().connections).toBe(2);
        return;
      }
      throw new Error('The machine stood still in each attempt.');
    });

    it('would cost as much as was published without the limit (negative control)', async () => {
      const { mostBuffered } = await publishToSlowClient('express', {
        limits: { bufferedBytes: 1_073_741_824 },
      });
      expect(mostBuffered).toBeGreaterThan(20 * BUFFERED);
    });
  },
);

describe('a client whose kernel is full, and for which little waits', () => {
  let running: RunningApp;
  let stream: SseStream;

  afterEach(async () => {
    jest.restoreAllMocks();
    await stream.close();
    await running.close();
  });

  /** Publishes events one by one, until the client is full. */
  async function fill(): Promise<{ hub: SseHub; count: number; waiting: number }> {
    let socket: Socket | undefined;
    const limits = { bufferedBytes: 1_024 };
    running = await startApp(
      newsModule({
        prefix: randomUUID(),
        redis: redis.url,
        limits,
        history: { maxLength: 10_000 },
        directWrites: true,
      }),
      'express',
      {
        configure: (app) =>
          void (app.getHttpServer() as Server).on('connection', (each: Socket) => (socket = each)),
      },
    );
    const hub = running.app.get(SseHub);
    stream = SseStream.open(`${running.url}/news`);
    await until(() => stream.lastEventId !== '');
    stream.pause();
    let count = 0;
    for (; hub.stats().slow === 0; count++) {
      const { delivered } = hub.stats();
      await hub.publish('news', { data: 'x'.repeat(12_000) });
      await until(() => hub.stats().delivered > delivered, { interval: 1 });
    }
    return { hub, count, waiting: socket!.writableLength };
  }

  it('is counted what went past its queue, and goes on when the kernel has taken that', async () => {
    const { count, waiting } = await fill();
    // It is full with less in the queue than Node's mark, over which 'drain' would be told.
    expect(waiting).toBeGreaterThan(0);
    expect(waiting).toBeLessThanOrEqual(getDefaultHighWaterMark(false));
    stream.resume();
    await stream.waitFor(count);
    await running.app.get(SseHub).publish('news', { data: 'afterwards' });
    await stream.waitFor(count + 1);
  });

  it('would wait for a drain that nobody tells of (negative control)', async () => {
    jest.spyOn(DrainWatch.prototype as unknown as { look(): void }, 'look').mockImplementation(() => {});
    jest.spyOn(ResponseSink.prototype, 'taken').mockImplementation(function (this: ResponseSink) {
      this['directLength'] = 0;
    });
    const { hub, count } = await fill();
    stream.resume();
    await stream.waitFor(count);
    await hub.publish('news', { data: 'afterwards' });
    await expect(stream.waitFor(count + 1, 500)).rejects.toThrow();
  });
});
