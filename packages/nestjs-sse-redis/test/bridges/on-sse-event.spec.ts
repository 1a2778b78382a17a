import { startApp, until, useRedis, type RunningApp } from '@nestjs-sse-redis/testing';
import { Injectable, Scope, type Provider } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import {
  defineChannel,
  InvalidOptionsError,
  OnSseEvent,
  SseHub,
  SseRedisModule,
  type SseEvent,
  type SseListenerOptions,
} from 'nestjs-sse-redis';

const redis = useRedis();
const orders = defineChannel('order:{id}');

@Injectable()
class Listeners {
  readonly heard: string[] = [];
  failures = 0;

  @OnSseEvent(['a', orders({ id: 7 })], { once: 'node' })
  onNode({ channel, data }: SseEvent): void {
    this.heard.push(`${channel} ${String(data)}`);
  }

  @OnSseEvent('jobs', { once: 'cluster', attempts: 2 })
  onJob({ data, type }: SseEvent): void {
    if (data === 'bad' || (data === 'once' && this.failures === 0)) {
      this.failures++;
      throw new Error('of its own');
    }
    this.heard.push(`${type ?? 'message'} ${JSON.stringify(data)}`);
  }
}

/** It cannot be said whose instance is to be called. */
@Injectable({ scope: Scope.REQUEST })
class OfRequest {
  @OnSseEvent('a', { once: 'node' })
  onEvent(): void {}
}

describe('methods with @OnSseEvent()', () => {
  let running: RunningApp | undefined;
  let listeners: Listeners;
  let hub: SseHub;

  beforeEach(async () => {
    running = await startApp(
      {
        imports: [SseRedisModule.forRoot({ channels: [orders] })],
        providers: [Listeners, { provide: 'alias', useExisting: Listeners }],
      },
      'express',
    );
    listeners = running.app.get(Listeners);
    hub = running.app.get(SseHub);
  });
  afterEach(() => running?.close());

  it('are called once with each event of their channels, in order, also behind the end of a run', async () => {
    await (await hub.run('a', () => ['1', '2'])).outcome();
    await hub.publish('a', { data: '3' });
    await hub.publish(orders({ id: 7 }), { data: '4' });
    await hub.publish(orders({ id: 8 }), { data: 'of another channel' });
    await until(() => listeners.heard.length === 5);
    const ofRun = listeners.heard.filter((line) => line.startsWith('a '));
    expect(ofRun).toEqual(['a 1', 'a 2', 'a [object Object]', 'a 3']);
    expect(listeners.heard).toContain('order:7 4');
  });

  it('are called again where they throw, and are done with an event after their attempts', async () => {
    await hub.publishMany(['once', 'bad', 'good'].map((data) => ({ channel: 'jobs', data })));
    await until(() => listeners.heard.length === 2, { timeout: 20_000 });
    expect(listeners.heard).toEqual(['message "once"', 'message "good"']);
    expect(listeners.failures).toBe(3);
  });
});

it('handles what was published while no process was there, and nothing twice, when the application is back', async () => {
  const options = { redis: redis.url, prefix: randomUUID(), channels: [orders] };
  const start = (providers: Provider[]) =>
    startApp({ imports: [SseRedisModule.forRoot(options)], providers }, 'express');
  const first = await start([Listeners]);
  const publisher = await start([]);
  try {
    const publish = (data: string) => publisher.app.get(SseHub).publish('jobs', { data });
    await publish('x');
    await until(() => first.app.get(Listeners).heard.length === 1);
    await first.close();
    await publish('y');
    const second = await start([Listeners]);
    await publish('z');
    const { heard } = second.app.get(Listeners);
    await until(() => heard.includes('message "z"'));
    expect(heard).toEqual(['message "y"', 'message "z"']);
    await second.close();
  } finally {
    await publisher.close();
  }
});

it('refuses a class that is made for each request', async () => {
  const start = startApp({ imports: [SseRedisModule.forRoot()], providers: [OfRequest] }, 'express');
  await expect(start).rejects.toThrow(InvalidOptionsError);
});

it.each([
  ['order:{id}', { once: 'node' }, 'not the pattern "order:{id}"'],
  [orders, { once: 'node' }, 'not the pattern "order:{id}"'],
  ['a', undefined, "{ once: 'cluster' }"],
  ['a', { once: 'both' }, "once takes 'cluster'"],
  ['a', { once: 'node', name: '' }, 'name takes'],
  ['a', { once: 'node', attempts: 0 }, 'attempts takes'],
  ['a', { once: 'node', retries: 1 }, 'there is no option "retries"'],
])('refuses @OnSseEvent(%p, %p)', (channel, options, message) => {
  const decorate = () =>
    OnSseEvent(channel as string, options as SseListenerOptions)(class Some {}.prototype, 'method', {
      value: () => undefined,
    });
  expect(decorate).toThrow(InvalidOptionsError);
  expect(decorate).toThrow(message);
});
