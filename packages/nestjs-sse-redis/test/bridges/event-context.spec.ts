import { startApp, until, useRedis, type RunningApp } from '@nestjs-sse-redis/testing';
import { Injectable } from '@nestjs/common';
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { OnSseEvent, SseHub, SseRedisModule, type SseEvent } from 'nestjs-sse-redis';

const redis = useRedis();

/** What nestjs-cls keeps for a request, or a library of transactions for a transaction. */
const request = new AsyncLocalStorage<string>();
const NONE = 'none';
const contextNow = (): string => request.getStore() ?? NONE;

@Injectable()
class Listeners {
  readonly heard: { data: unknown; by: string; context: string }[] = [];

  note(data: unknown, by: string): void {
    this.heard.push({ data, by, context: contextNow() });
  }

  @OnSseEvent('news', { once: 'node' })
  async onNode({ data }: SseEvent): Promise<void> {
    this.note(data, 'node');
    await Promise.resolve();
    this.note(data, 'node, later');
  }

  @OnSseEvent('news', { once: 'cluster', name: 'listeners.cluster' })
  onCluster({ data }: SseEvent): void {
    this.note(data, 'cluster');
  }
}

describe.each([
  { broker: 'one Redis', connection: () => redis.url },
  { broker: 'the embedded broker', connection: () => 'embedded' as const },
])('code that is called with events, over $broker', ({ connection }) => {
  let running: RunningApp;

  beforeEach(async () => {
    const module = SseRedisModule.forRoot({ redis: connection(), prefix: randomUUID() });
    running = await startApp({ imports: [module], providers: [Listeners] }, 'express');
  });
  afterEach(() => running.close());

  it('has the async context of no request, whoever publishes beside it', async () => {
    const hub = running.app.get(SseHub);
    const listeners = running.app.get(Listeners);
    const subscription = request.run('of the subscriber', () =>
      hub.events('news').subscribe(({ data }) => listeners.note(data, 'Observable')),
    );
    await until(async () => {
      await hub.publish('news', { data: 'ready', type: 'ready' });
      return new Set(listeners.heard.map(({ by }) => by)).size === 4;
    });
    listeners.heard.length = 0;

    // In one turn, and one after the other: each has a context of its own.
    const publish = (data: string) => request.run(`of ${data}`, () => hub.publish('news', { data }));
    await Promise.all([publish('one'), publish('two')]);
    await publish('three');
    const news = () => listeners.heard.filter(({ data }) => data !== 'ready');
    await until(() => news().length === 12);
    expect(news().filter(({ context }) => context !== NONE)).toEqual([]);
    subscription.unsubscribe();
  });
});
