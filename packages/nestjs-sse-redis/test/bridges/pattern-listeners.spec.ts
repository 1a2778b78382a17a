import {
  SseStream,
  startApp,
  RedisSetUp,
  redisSetUps,
  until,
  useRedis,
  type RunningApp,
} from '@nestjs-sse-redis/testing';
import { Injectable, type Provider, type Type } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import {
  defineChannel,
  InvalidOptionsError,
  OnSseEvent,
  SseHub,
  SseRedisModule,
  type SseEvent,
  type SseRedisOptions,
} from 'nestjs-sse-redis';
import { createPublisher } from 'nestjs-sse-redis/publisher';
import { newsModule } from '../http/news.app.js';

const orders = defineChannel('order:{id}', { listeners: true });
const stock = defineChannel('stock:{id}', { state: { maxKeys: 2 }, listeners: true });
const logs = defineChannel('log:{id}', { listeners: { maxLength: 10 } });
const others = defineChannel('other:{id}');
const channels = [orders, stock, logs, others];

class Heard {
  readonly heard: SseEvent[] = [];
}

@Injectable()
class OnNode extends Heard {
  @OnSseEvent([orders, stock], { once: 'node' })
  onEvent(event: SseEvent): void {
    this.heard.push(event);
  }
}

@Injectable()
class OnCluster extends Heard {
  @OnSseEvent('order:{id}', { once: 'cluster' })
  onEvent(event: SseEvent): void {
    this.heard.push(event);
  }
}

@Injectable()
class OnLogs extends Heard {
  @OnSseEvent(logs, { once: 'cluster' })
  onEvent(event: SseEvent): void {
    this.heard.push(event);
  }
}

const open = new Set<RunningApp>();

async function start(options: SseRedisOptions, ...providers: Provider[]): Promise<RunningApp> {
  const imports = [SseRedisModule.forRoot({ channels, ...options })];
  const running = await startApp({ imports, providers }, 'express');
  open.add(running);
  return running;
}

async function stop(running: RunningApp): Promise<void> {
  open.delete(running);
  await running.close();
}

const hubOf = ({ app }: RunningApp): SseHub => app.get(SseHub);
const heardOf = ({ app }: RunningApp, listener: Type<Heard>): SseEvent[] => app.get(listener).heard;
const dataOf = (events: readonly SseEvent[]) => events.map(({ data }) => data);
const sorted = (events: readonly SseEvent[]) => events.toSorted((a, b) => (a.id < b.id ? -1 : 1));

afterEach(async () => {
  for (const running of open) await stop(running);
});

const brokers = [
  'memory',
  ...redisSetUps.filter((name) => name !== 'sentinel' && name !== 'cluster'),
] as const;

describe.each(brokers)('a method for a pattern, over %s', (broker) => {
  let setUp: RedisSetUp | undefined;
  let options: SseRedisOptions;

  beforeAll(async () => {
    if (broker !== 'memory') setUp = await RedisSetUp.start(broker);
  });
  beforeEach(() => {
    options = { ...setUp?.options, prefix: randomUUID() };
  });
  afterAll(() => setUp?.stop());

  it('is called with the events of all channels, as each channel has them', async () => {
    const running = await start(options, OnNode);
    const hub = hubOf(running);
    const names = ['1', 'a b', 'é/%{x}', 'c'].map((id) => orders({ id }).name);
    for (const [i, name] of names.entries()) {
      await hub.publish(name, { type: i % 2 === 0 ? 'paid late' : undefined, data: { n: i } });
      await hub.publish(name, { data: `text\nof ${i}` });
    }
    await (await hub.run(orders({ id: 'run' }), () => ['one', 'two'])).outcome();
    await hub.pipe(orders({ id: 'pipe' }), ['three']);
    await hub.publish(others({ id: '1' }), { data: 'of another definition' });
    const all = [...names, 'order:run', 'order:pipe'];
    const pages = await Promise.all(all.map((name) => hub.history(name, { after: 'start' })));
    const published = pages.flatMap(({ events }) => events);
    expect(published.filter(({ type }) => type === 'end')).toHaveLength(2);
    await until(() => heardOf(running, OnNode).length >= published.length);
    const heard = heardOf(running, OnNode);
    expect(sorted(heard)).toEqual(sorted(published));
    for (const name of all) {
      const ofOne = heard.filter(({ channel }) => channel === name);
      expect(ofOne).toEqual(published.filter(({ channel }) => channel === name));
    }
  });

  it('is called with the keys of state channels, and what removes them', async () => {
    const running = await start(options, OnNode);
    const hub = hubOf(running);
    await hub.publish(stock({ id: '1' }), { type: 'left', data: 3 }, { key: 'a/b c' });
    await hub.remove(stock({ id: '1' }), 'never there');
    await hub.remove(stock({ id: '1' }), 'a/b c');
    await hub.publish(stock({ id: '1' }), { data: 'last' }, { key: 'd' });
    const heard = await until(
      () => dataOf(heardOf(running, OnNode)).includes('last') && heardOf(running, OnNode),
    );
    expect(heard).toEqual([
      { id: expect.any(String), channel: 'stock:1', type: 'left', data: 3, key: 'a/b c' },
      {
        id: expect.any(String),
        channel: 'stock:1',
        type: 'map',
        data: { channel: 'stock:1', removed: 'a/b c' },
        key: 'a/b c',
      },
      { id: expect.any(String), channel: 'stock:1', data: 'last', key: 'd' },
    ]);
  });

  it('is called with what only those get who are there, and not with what was refused or repeated', async () => {
    const running = await start(options, OnNode);
    const hub = hubOf(running);
    const order = orders({ id: '1' });
    await hub.publish(order, { data: 'passing' }, { ephemeral: true });
    const first = await hub.publish(order, { data: 'once' }, { idempotencyKey: 'k' });
    expect(await hub.publish(order, { data: 'again' }, { idempotencyKey: 'k' })).toEqual(first);
    for (const key of ['a', 'b']) await hub.publish(stock({ id: '2' }), { data: key }, { key });
    await expect(hub.publish(stock({ id: '2' }), { data: 'refused' }, { key: 'c' })).rejects.toMatchObject({
      code: 'STATE_FULL',
    });
    await hub.publish(order, { data: 'last' });
    await hub.publish(stock({ id: '2' }), { data: 'last' }, { key: 'a' });
    await until(() => dataOf(heardOf(running, OnNode)).filter((data) => data === 'last').length === 2);
    const of = (name: string) => dataOf(heardOf(running, OnNode).filter(({ channel }) => channel === name));
    expect(of('order:1')).toEqual(['passing', 'once', 'last']);
    expect(of('stock:2')).toEqual(['a', 'b', 'last']);
  });

  it('changes nothing of what clients of a channel get', async () => {
    const running = await startApp(newsModule({ ...options, channels }), 'express');
    open.add(running);
    const stream = SseStream.open(`${running.url}/streams?channels=order:1,order:2`);
    await stream.waitForBlock(({ id }) => id !== undefined);
    const published: string[] = [];
    for (const id of ['1', '2', '1', '2'])
      published.push((await hubOf(running).publish(orders({ id }), { data: id })).id);
    await stream.waitForEvents(4);
    expect(stream.eventIds.toSorted()).toEqual(published.toSorted());
    expect(stream.messages.filter(({ type }) => type === 'message').map(({ data }) => data)).toHaveLength(4);
    await stream.close();
  });
});

describe('a method for a pattern, of the cluster', () => {
  const redis = useRedis();
  let options: SseRedisOptions;
  beforeEach(() => {
    options = { redis: redis.url, prefix: randomUUID() };
  });

  const publish = (running: RunningApp, from: number, to: number) =>
    hubOf(running).publishMany(
      Array.from({ length: to - from }, (_, i) => ({ channel: `order:${(from + i) % 7}`, data: from + i })),
    );

  it('handles each event in one process, in the order of the channels, while processes come and go', async () => {
    const publisher = await start(options);
    const first = await start(options, OnCluster);
    await publish(publisher, 0, 50);
    await until(() => heardOf(first, OnCluster).length === 50);
    const second = await start(options, OnCluster);
    await publish(publisher, 50, 100);
    await until(() => heardOf(first, OnCluster).length + heardOf(second, OnCluster).length === 100);
    await stop(first);
    await publish(publisher, 100, 150);
    await until(() => heardOf(second, OnCluster).length >= 50);
    await until(() => dataOf(heardOf(second, OnCluster)).includes(149));
    const all = [...dataOf(heardOf(first, OnCluster)), ...dataOf(heardOf(second, OnCluster))];
    expect(all).toEqual(Array.from({ length: 150 }, (_, n) => n));
  });

  it('is told of a gap under the name of the pattern, and handles the rest', async () => {
    const publisher = await start(options);
    const first = await start(options, OnLogs);
    await hubOf(publisher).publish(logs({ id: 1 }), { data: -1 });
    await until(() => heardOf(first, OnLogs).length === 1);
    await stop(first);
    const events = Array.from({ length: 300 }, (_, i) => ({ channel: `log:${i % 3}`, data: i }));
    await hubOf(publisher).publishMany(events);
    const second = await start(options, OnLogs);
    await until(() => dataOf(heardOf(second, OnLogs)).includes(299));
    const [gap, ...rest] = heardOf(second, OnLogs);
    expect(gap).toMatchObject({ channel: 'log:{id}', type: 'gap', data: { channel: 'log:{id}' } });
    // Redis trims in blocks of a hundred.
    expect(rest.length).toBeLessThan(250);
    expect(dataOf(rest)).toEqual(Array.from({ length: rest.length }, (_, i) => 300 - rest.length + i));
  });

  it('handles what a publisher without Nest publishes, if it has the definition', async () => {
    const running = await start(options, OnCluster);
    const publisher = createPublisher({ redis: redis.url, prefix: options.prefix!, channels: [orders] });
    const { id } = await publisher.publish('order:p', { type: 'paid', data: 1 });
    await publisher.close();
    await until(() => heardOf(running, OnCluster).length === 1);
    expect(heardOf(running, OnCluster)).toEqual([{ id, channel: 'order:p', type: 'paid', data: 1 }]);
  });

  it('is not told of events beyond their time, however seldom they come', async () => {
    const brief = defineChannel('brief:{id}', { listeners: { ttl: 1_000, maxLength: 1_000_000 } });
    const running = await start({ ...options, channels: [brief], auditInterval: 500 });
    const log = `{${options.prefix}}:log:\u0001listeners:brief:{id}`;
    const firstOf = async () =>
      ((await redis.cli('XRANGE', log, '-', '+', 'COUNT', '1')) as [[string]])[0][0];
    await hubOf(running).publish(brief({ id: 1 }), { data: 0 });
    const first = await firstOf();
    await until(async () => {
      await hubOf(running).publish(brief({ id: 1 }), { data: 1 });
      return (await firstOf()) !== first;
    });
  });
});

it('keeps the channels of the hub out of definitions, however wide their patterns', async () => {
  const wide = defineChannel('{name}', { state: true, listeners: true });
  const running = await start({ channels: [wide] }, OnNodeOfWide);
  const { definitions } = hubOf(running).internals;
  expect(definitions.isState('news')).toBe(true);
  expect(definitions.isState('\u0001changes')).toBe(false);
  await hubOf(running).publish('news', { data: 1 }, { key: 'k' });
  await until(() => heardOf(running, OnNodeOfWide).length === 1);
});

@Injectable()
class OnNodeOfWide extends Heard {
  @OnSseEvent('{name}', { once: 'node' })
  onEvent(event: SseEvent): void {
    this.heard.push(event);
  }
}

describe('the start', () => {
  const of = (channel: Parameters<typeof OnSseEvent>[0]) => {
    class Some {
      @OnSseEvent(channel, { once: 'node' })
      onEvent(): void {}
    }
    return Some;
  };

  it.each([
    ['a pattern that nobody defined', 'none:{id}', 'is of no registered definition'],
    [
      'a definition that is not registered',
      defineChannel('order:{id}', { listeners: true }),
      'is of no registered definition',
    ],
    ['a definition without listeners', others, 'defineChannel("other:{id}", { listeners: true })'],
  ])('refuses %s', async (_, channel, message) => {
    const starting = start({ channels }, of(channel));
    await expect(starting).rejects.toThrow(InvalidOptionsError);
    await expect(starting).rejects.toThrow(message);
  });
});
