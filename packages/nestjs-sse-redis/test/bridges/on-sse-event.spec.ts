import { jest } from '@jest/globals';
import { startApp, until, useRedis, type RunningApp } from '@nestjs-sse-redis/testing';
import { Injectable, Scope, type Provider } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import {
  defineChannel,
  InvalidOptionsError,
  OnSseEvent,
  PublishTo,
  SseHub,
  SseRedisModule,
  type SseEvent,
  type SseListenerOptions,
} from 'nestjs-sse-redis';
import { ClusterListener } from '../../src/listeners/cluster-listener.js';
import { EventHandler } from '../../src/listeners/event-handler.js';
import type { ListenedLog } from '../../src/listeners/listened-log.js';

const redis = useRedis();
const orders = defineChannel('order:{id}');
const jobs: ListenedLog = { name: 'jobs', label: 'jobs', toEvent: (event) => event };

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

@Injectable()
class Forwarders {
  @PublishTo('out', 'above')
  @OnSseEvent('in', { once: 'node' })
  onAbove({ data }: SseEvent): unknown {
    return data;
  }

  @OnSseEvent('in', { once: 'cluster' })
  @PublishTo('out', 'below')
  onBelow({ data }: SseEvent): unknown {
    return data;
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
        providers: [Listeners, Forwarders, { provide: 'alias', useExisting: Listeners }],
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

  it('publish what they return, with @PublishTo() above or below', async () => {
    await hub.publish('in', { data: '1' });
    const events = await until(async () => {
      const { events } = await hub.history('out', { limit: 10 });
      return events.length >= 2 && events;
    });
    expect(events.map(({ type, data }) => `${type} ${String(data)}`).toSorted()).toEqual([
      'above 1',
      'below 1',
    ]);
  });

  it('are called again where they throw, and are done with an event after their attempts', async () => {
    await hub.publishMany(['once', 'bad', 'good'].map((data) => ({ channel: 'jobs', data })));
    await until(() => listeners.heard.length === 2, { timeout: 20_000 });
    expect(listeners.heard).toEqual(['message "once"', 'message "good"']);
    expect(listeners.failures).toBe(3);
  });
});

describe.each([1, 3])('a method with @OnSseEvent() of a hub with %d shards', (shards) => {
  let running: RunningApp;
  let hub: SseHub;

  beforeEach(async () => {
    const options = { redis: redis.url, prefix: randomUUID(), channels: [orders], shards };
    const imports = [SseRedisModule.forRoot(options)];
    running = await startApp({ imports, providers: [Listeners] }, 'express');
    hub = running.app.get(SseHub);
  });
  afterEach(() => running.close());

  it('is called with what follows the end of a pipe', async () => {
    const { heard } = running.app.get(Listeners);
    await hub.pipe('a', ['piped']);
    await until(() => heard.length === 2);
    await hub.publish('a', { data: 'behind it' });
    await until(() => heard.length === 3);
    expect(heard).toEqual(['a piped', 'a [object Object]', 'a behind it']);
  });

  it('is called with an end that came while the link was lost, though another event follows it', async () => {
    // The link comes back behind the last event: the end would come as it is announced, else.
    const { broker } = hub['node'].shards.of('a') as unknown as { broker: { onRestored(): Promise<void> } };
    const onRestored = broker.onRestored.bind(broker);
    let restore!: () => void;
    const published = new Promise<void>((resolve) => (restore = resolve));
    broker.onRestored = () => published.then(onRestored);
    await redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await until(() => !hub.stats().linkUp);
    await hub.pipe('a', ['piped']);
    await hub.publish('a', { data: 'behind it' });
    restore();
    const { heard } = running.app.get(Listeners);
    await until(() => heard.includes('a behind it'));
    expect(heard).toEqual(['a piped', 'a [object Object]', 'a behind it']);
  });
});

describe('a method with @OnSseEvent() of the cluster', () => {
  let prefix: string;
  const open = new Set<RunningApp>();

  beforeEach(() => {
    prefix = randomUUID();
  });
  afterEach(async () => {
    for (const running of open) await stop(running);
  });

  async function start(providers: Provider[] = [Listeners], maxLength?: number): Promise<RunningApp> {
    const options = {
      redis: redis.url,
      prefix,
      channels: [orders],
      ...(maxLength && { history: { maxLength } }),
    };
    const running = await startApp({ imports: [SseRedisModule.forRoot(options)], providers }, 'express');
    open.add(running);
    return running;
  }

  async function stop(running: RunningApp): Promise<void> {
    open.delete(running);
    await running.close();
  }

  const publish = (running: RunningApp, data: string) => running.app.get(SseHub).publish('jobs', { data });
  const heardOf = (running: RunningApp) => running.app.get(Listeners).heard;

  /** A process handles an event, and is gone. Another one publishes. */
  async function comeAndGo(maxLength?: number): Promise<RunningApp> {
    const [first, publisher] = [await start([Listeners], maxLength), await start([], maxLength)];
    await publish(publisher, 'x');
    await until(() => heardOf(first).length === 1);
    await stop(first);
    return publisher;
  }

  it('handles what was published while no process was there, and nothing twice, when it is back', async () => {
    const publisher = await comeAndGo();
    await publish(publisher, 'y');
    const second = await start();
    await publish(publisher, 'z');
    await until(() => heardOf(second).includes('message "z"'));
    expect(heardOf(second)).toEqual(['message "y"', 'message "z"']);
  });

  it('is told of a gap where events were trimmed meanwhile, and handles the rest', async () => {
    const publisher = await comeAndGo(10);
    // Redis trims in blocks of a hundred.
    const events = Array.from({ length: 300 }, (_, i) => ({ channel: 'jobs', data: `${i}` }));
    await publisher.app.get(SseHub).publishMany(events);
    const second = await start([Listeners], 10);
    await until(() => heardOf(second).includes('message "299"'));
    const [gap, ...rest] = heardOf(second);
    expect(gap).toMatch(/^gap \{"channel":"jobs"/);
    expect(rest.length).toBeLessThan(250);
    expect(rest).toEqual(events.slice(-rest.length).map(({ data }) => `message "${data}"`));
  });

  it('begins with the oldest event that is retained where its position is gone', async () => {
    const publisher = await comeAndGo();
    // As `history.ttl` does, which would take the events along here.
    await redis.cli('UNLINK', `{${prefix}}:log:listener:Listeners.onJob:jobs`);
    await publish(publisher, 'y');
    const second = await start();
    await until(() => heardOf(second).includes('message "y"'));
    expect(heardOf(second)).toEqual(['message "x"', 'message "y"']);
  });

  it('handles the first event behind a gap in the next process where the one that was told of the gap is gone', async () => {
    const publisher = await comeAndGo(10);
    const events = Array.from({ length: 300 }, (_, i) => ({ channel: 'jobs', data: `${i}` }));
    await publisher.app.get(SseHub).publishMany(events);
    const hub = publisher.app.get(SseHub);
    const heard: string[][] = [[], []];
    const leave = new AbortController();
    const listen = (heard: string[], signal: AbortSignal, onEvent: () => void) => {
      const handler = new EventHandler(
        'of the test',
        ({ type = 'message' }) => heard.push(type) && type !== 'gap' && onEvent(),
        2,
      );
      return new ClusterListener(hub, jobs, 'Listeners.onJob', handler).listen(signal);
    };
    await listen(heard[0]!, leave.signal, () => {
      leave.abort();
      throw new Error('it goes in the midst of the event');
    });
    expect(heard[0]).toEqual(['gap', 'message']);
    const abort = new AbortController();
    const listening = listen(heard[1]!, abort.signal, () => undefined);
    const { events: retained } = await hub.history('jobs', { after: 'start', limit: 1_000 });
    await until(() => heard[1]!.length > retained.length);
    expect(heard[1]).toEqual(['gap', ...retained.map(() => 'message')]);
    abort.abort();
    await listening;
  });

  it('handles an event that comes between its first reading and the beginning of its listening', async () => {
    const running = await start([]);
    const hub = running.app.get(SseHub);
    await publish(running, 'x');
    const heard: unknown[] = [];
    const handler = new EventHandler('of the test', ({ data }) => heard.push(data), 1);
    const { broker } = hub.internals.shards.of('jobs');
    const held = new EventEmitter();
    const subscribe = broker.subscribe.bind(broker);
    jest.spyOn(broker, 'subscribe').mockImplementation(async (channel) => {
      if (channel === 'jobs') await once(held, 'let go');
      return subscribe(channel);
    });
    const read = jest.spyOn(broker, 'read');
    const abort = new AbortController();
    const listening = new ClusterListener(hub, jobs, 'late', handler).listen(abort.signal);
    // An empty page: it has read all that there is.
    await until(async () => {
      const last = (await read.mock.results.at(-1)?.value) as readonly { records: unknown[] }[] | undefined;
      return heard.length === 1 && last?.[0]?.records.length === 0;
    });
    await publish(running, 'y');
    held.emit('let go');
    await until(() => heard.length === 2);
    expect(heard).toEqual(['x', 'y']);
    abort.abort();
    await listening;
  });

  it('says why it cannot begin where Redis refuses it, and begins when that is over', async () => {
    const hub = (await start([])).app.get(SseHub);
    await hub.publish('jobs', { data: 'x' });
    const heard: unknown[] = [];
    const handler = new EventHandler('of the test', ({ data }) => heard.push(data), 1);
    const warn = jest.spyOn(handler, 'warn');
    const abort = new AbortController();
    await redis.cli('CONFIG', 'SET', 'maxmemory', '1');
    const listening = new ClusterListener(hub, jobs, 'full', handler).listen(abort.signal);
    try {
      await until(() => warn.mock.calls.length > 0);
      expect(warn.mock.calls).toEqual([
        [expect.stringMatching(/^It cannot begin with "jobs", and goes on trying: RedisRefusedError/)],
      ]);
      expect(heard).toEqual([]);
    } finally {
      await redis.cli('CONFIG', 'SET', 'maxmemory', '0');
    }
    await until(() => heard.length === 1);
    abort.abort();
    await listening;
  });

  it('goes on behind an outage of Redis, and is told of a gap where Redis has lost its data', async () => {
    const running = await start();
    await publish(running, 'x');
    await until(() => heardOf(running).length === 1);
    await redis.kill();
    await redis.restart();
    await until(() => publish(running, 'y').then(Boolean, () => false));
    await until(() => heardOf(running).includes('message "y"'), { timeout: 60_000 });
    // Those of the node are told of their channels.
    const ofJobs = heardOf(running).filter((line) => !/^(a|order:7) /.test(line));
    expect(ofJobs.map((line) => line.split(' {')[0])).toEqual(['message "x"', 'gap', 'message "y"']);
  });
});

describe('methods with @OnSseEvent() of the cluster that have like names', () => {
  const start = (...providers: Provider[]) => {
    const modules = providers.map((provider) => ({ module: class {}, providers: [provider] }));
    const imports = [SseRedisModule.forRoot({ isGlobal: true }), ...modules];
    return startApp({ imports }, 'express', { application: { logger: false } });
  };

  it('are each called where their channels differ in the end of a long name only', async () => {
    const channels = ['a', 'b'].map((end) => 'x'.repeat(255) + end);
    @Injectable()
    class Long {
      readonly heard: string[] = [];

      @OnSseEvent(channels, { once: 'cluster' })
      onEvent({ channel }: SseEvent): void {
        this.heard.push(channel);
      }
    }
    const running = await start(Long);
    for (const channel of channels) await running.app.get(SseHub).publish(channel, { data: null });
    const { heard } = running.app.get(Long, { strict: false });
    await until(() => heard.length === 2);
    expect(heard.toSorted()).toEqual(channels);
    await running.close();
  });

  it('are refused where one of them would never be called, and not where a class is there twice', async () => {
    class Listener {
      @OnSseEvent('a', { once: 'cluster', name: 'mails' })
      onEvent(): void {}
    }
    class Other {
      @OnSseEvent('a', { once: 'cluster', name: 'mails' })
      onEvent(): void {}
    }
    const running = await start(Listener, Listener);
    await running.close();
    await expect(start(Listener, Other)).rejects.toThrow(
      '@OnSseEvent() of Other.onEvent() has the name "mails" of another method on "a"',
    );
  });
});

it('refuses a class that is made for each request', async () => {
  const start = startApp({ imports: [SseRedisModule.forRoot()], providers: [OfRequest] }, 'express');
  await expect(start).rejects.toThrow(InvalidOptionsError);
});

it('warns of a channel that looks like a pattern, and takes it for a name', async () => {
  @Injectable()
  class Guessing {
    readonly heard: unknown[] = [];

    @OnSseEvent('order:*', { once: 'node' })
    onOrder({ data }: SseEvent): void {
      this.heard.push(data);
    }
  }
  const warnings: unknown[] = [];
  const logger = {
    log: () => undefined,
    error: () => undefined,
    warn: (text: unknown) => warnings.push(text),
  };
  const module = { imports: [SseRedisModule.forRoot()], providers: [Guessing] };
  const running = await startApp(module, 'express', { application: { logger } });
  await running.app.get(SseHub).publish('order:*', { data: 1 });
  await until(() => running.app.get(Guessing).heard.length === 1);
  await running.close();
  expect(warnings).toEqual([
    expect.stringMatching(/^Guessing\.onOrder\(\): "order:\*" is the name of one channel/),
  ]);
});

it.each([
  ['a', undefined, "{ once: 'cluster' }"],
  ['a', { once: 'both' }, "once takes 'cluster'"],
  ['a', { once: 'node', name: '' }, 'name takes'],
  ['a', { once: 'node', attempts: 0 }, 'attempts takes'],
  ['a', { once: 'node', retries: 1 }, 'there is no option "retries"'],
])('refuses @OnSseEvent(%p, %p)', (channel, options, message) => {
  const decorate = () =>
    OnSseEvent(channel, options as SseListenerOptions)(class Some {}.prototype, 'method', {
      value: () => undefined,
    });
  expect(decorate).toThrow(InvalidOptionsError);
  expect(decorate).toThrow(message);
});
