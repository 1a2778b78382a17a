import { AppProcess, TcpProxy, until } from '@nestjs-sse-redis/testing';
import { setTimeout as delay } from 'node:timers/promises';
import type { PublisherOptions } from '../../src/publisher/index.js';
import { Hubs } from '../hub/hubs.js';
import { Scene } from './publishers.js';
import type { WorkerRequest, WorkerResult } from './worker.process.js';

const hubs = Hubs.over('redis');
const PUBLISH_TIMEOUT = 3_000;
/** Longer than a connection passes for alive. */
const LONG_MS = 5_500;

/** A process that publishes, as a function that its host freezes between two calls; its connection goes through a proxy. */
class Worker {
  static async start(): Promise<Worker> {
    const scene = await Scene.start(hubs);
    const proxy = await TcpProxy.start({ target: hubs.redis.port });
    hubs.closeLater(() => proxy.stop());
    const options: PublisherOptions = {
      redis: `redis://127.0.0.1:${proxy.port}`,
      prefix: scene.prefix,
      publishTimeout: PUBLISH_TIMEOUT,
    };
    const child = await AppProcess.start(new URL('./worker.process.ts', import.meta.url), {
      args: [JSON.stringify(options)],
    });
    hubs.closeLater(() => child.kill());
    const worker = new Worker(scene, proxy, child);
    expect(await worker.publish('first')).toEqual({ id: expect.any(String) });
    return worker;
  }

  private constructor(
    readonly scene: Scene,
    readonly proxy: TcpProxy,
    private readonly child: AppProcess,
  ) {}

  async publish(data: string): Promise<WorkerResult> {
    const request: WorkerRequest = { publish: [{ channel: 'news', data, idempotencyKey: data }] };
    const [result] = await this.child.request<WorkerResult[]>(request);
    return result!;
  }

  /** Stops it in its tracks while something happens to its connection. */
  async freeze(happen: () => unknown, ms = 0): Promise<void> {
    this.child.pause();
    await happen();
    await delay(ms);
    this.child.resume();
  }

  /** What the log of the channel has. */
  data(): Promise<unknown[]> {
    return this.scene.test.dataIn('news');
  }
}

describe('a process that is frozen and wakes with a dead connection', () => {
  it('publishes once where Redis has closed the connection meanwhile', async () => {
    const worker = await Worker.start();
    await worker.freeze(() => worker.proxy.cut(), LONG_MS);
    expect(await worker.publish('woken')).toEqual({ id: expect.any(String) });
    expect(await worker.data()).toEqual(['first', 'woken']);
  });

  it('publishes once where the connection swallows all, as it proves one that has rested before it sends anything', async () => {
    const worker = await Worker.start();
    await worker.freeze(() => worker.proxy.blackhole('existing'), LONG_MS);
    expect(await worker.publish('woken')).toEqual({ id: expect.any(String) });
    expect(await worker.publish('again')).toEqual({ id: expect.any(String) });
    expect(await worker.data()).toEqual(['first', 'woken', 'again']);
  });

  it('rejects, and publishes once with the same key, where the connection has not rested for long (control)', async () => {
    const worker = await Worker.start();
    await worker.freeze(() => worker.proxy.blackhole('existing'));
    expect(await worker.publish('woken')).toMatchObject({ code: 'PUBLISH_OUTCOME_UNKNOWN' });
    const { id } = await until(async () => {
      const result = await worker.publish('woken');
      return 'id' in result && result;
    });
    expect(await worker.publish('woken')).toEqual({ id });
    expect(await worker.data()).toEqual(['first', 'woken']);
  });

  it('says of an event whose answer it slept through that it may have been published, and finds its id with the key', async () => {
    const worker = await Worker.start();
    worker.proxy.transform((direction, chunk) => (direction === 'toClient' ? null : chunk));
    const publishing = worker.publish('slept through');
    await until(async () => (await worker.data()).length === 2);
    await worker.freeze(() => worker.proxy.cut(), PUBLISH_TIMEOUT);
    expect(await publishing).toMatchObject({ code: 'PUBLISH_OUTCOME_UNKNOWN' });
    worker.proxy.transform();
    const { events } = await worker.scene.test.hub.history('news');
    expect(await worker.publish('slept through')).toEqual({ id: events[1]!.id });
    expect(await worker.data()).toEqual(['first', 'slept through']);
  });
});

it('loses and doubles nothing while Redis kills its connection, again and again', async () => {
  const scene = await Scene.start(hubs);
  const publisher = scene.publisher();
  let unknown = 0;
  const numbers = Array.from({ length: 300 }, (_, i) => i);
  for (const i of numbers) {
    // Together with the publish: some are on their way then.
    if (i % 10 === 0) void hubs.redis.cli('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await until(async () => {
      try {
        return await publisher.publish('news', { data: i }, { idempotencyKey: String(i) });
      } catch (error) {
        expect(error).toMatchObject({ code: 'PUBLISH_OUTCOME_UNKNOWN' });
        unknown++;
        return false;
      }
    });
  }
  await until(async () => (await scene.test.dataIn('news')).length > 0);
  expect(await scene.test.dataIn('news')).toEqual(numbers);
  console.log(`30 connections killed under 300 publishes: ${unknown} of unknown outcome, 0 lost, 0 doubled`);
});
