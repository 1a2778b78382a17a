import { jest } from '@jest/globals';
import { deferred, startApp, until, useRedis, type RunningApp } from '@nestjs-sse-redis/testing';
import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { OnSseEvent, SseHub, SseRedisModule, type SseEvent, type SseRedisOptions } from 'nestjs-sse-redis';
import { Backlog } from '../../src/delivery/backlog.js';
import { ObservableSink } from '../../src/delivery/observable-sink.js';

const redis = useRedis();

/** 24 MiB together, of which 16 may wait. */
const COUNT = 48;
const BULK = 'x'.repeat(512 * 1_024);

@Injectable()
class SlowListener {
  readonly release = deferred();
  readonly heard: unknown[] = [];

  @OnSseEvent('bulk', { once: 'node' })
  async onEvent({ type, data }: SseEvent): Promise<void> {
    await this.release.promise;
    this.heard.push(type === 'gap' ? 'gap' : (data as { n: number }).n);
  }
}

describe.each<[string, () => SseRedisOptions]>([
  ['memory', () => ({})],
  ['Redis', () => ({ redis: redis.url })],
  ['three shards', () => ({ redis: redis.url, shards: 3 })],
])('a method with @OnSseEvent() that is slower than its events, over %s', (_name, broker) => {
  let running: RunningApp;
  let slow: SlowListener;
  let handedOver: () => number;

  async function publishAll(options: SseRedisOptions = {}): Promise<void> {
    const imports = [SseRedisModule.forRoot({ ...broker(), prefix: randomUUID(), ...options })];
    running = await startApp({ imports, providers: [SlowListener] }, 'express');
    slow = running.app.get(SlowListener);
    const { contexts } = jest.spyOn(ObservableSink.prototype, 'event').mock;
    handedOver = () => contexts.filter((sink) => (sink as ObservableSink)['backlog'] !== undefined).length;
    const hub = running.app.get(SseHub);
    // Of the same feed, which offers each event to the method's sink too.
    let live = 0;
    const other = hub.events('bulk', { rewind: COUNT }).subscribe(() => live++);
    for (let n = 0; n < COUNT; n++) await hub.publish('bulk', { data: { n, BULK } });
    await until(() => live >= COUNT);
    other.unsubscribe();
  }

  afterEach(async () => {
    slow.release.resolve();
    await running.close();
    jest.restoreAllMocks();
  });

  it('leaves the rest in the log, and is called with each in order', async () => {
    await publishAll();
    expect(handedOver()).toBeLessThan(COUNT * 0.75);
    slow.release.resolve();
    await until(() => slow.heard.length === COUNT, { timeout: 20_000 });
    expect(slow.heard).toEqual(Array.from({ length: COUNT }, (_, n) => n));
  });

  it('is told of a gap where the rest is not retained any more', async () => {
    await publishAll({ history: { maxLength: 5 } });
    slow.release.resolve();
    await until(() => slow.heard.at(-1) === COUNT - 1, { timeout: 20_000 });
    expect(slow.heard.filter((one) => one === 'gap')).toHaveLength(1);
    const gapAt = slow.heard.indexOf('gap');
    expect(slow.heard.slice(0, gapAt)).toEqual(Array.from({ length: gapAt }, (_, n) => n));
  });

  it('has all wait in memory without a backlog (negative control)', async () => {
    jest.spyOn(Backlog.prototype, 'add').mockReturnValue(true);
    await publishAll();
    expect(handedOver()).toBe(COUNT);
  });
});
