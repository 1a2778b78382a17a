import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { SseStream, until } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { eventIdOf, InvalidEventIdError, SseRegistry, type SseRedisOptions } from 'nestjs-sse-redis';
import { JoinedSubscriber } from '../../src/delivery/shards/joined-subscriber.js';
import { brokers, Hubs } from './hubs.js';
import { a, a2, b, c, isTold, map, publish, SHARDS, told } from './shard-scene.js';

beforeEach(() => {
  jest.spyOn(Logger.prototype, 'log').mockReturnValue();
});
afterEach(() => jest.restoreAllMocks());

describe.each(brokers)(`a hub of ${SHARDS} shards over the $broker broker`, ({ broker }) => {
  const hubs = Hubs.over(broker);
  const start = (options: SseRedisOptions = {}) => hubs.start({ shards: SHARDS, ...options });

  it('gives a stream the events of channels of all shards, each with an id of its own first', async () => {
    const test = await start();
    const stream = await test.client([a, b, c]);
    const ids = [await publish(test, a, 1), await publish(test, b, 2), await publish(test, c, 3)];
    expect(ids.map((id) => id.split('@')[1])).toEqual(['0', '1', '2']);
    await isTold(stream, 3);
    const events = stream.messages.filter(({ type }) => type === 'n');
    expect(events.map(({ id }) => eventIdOf(id)).sort()).toEqual(ids.toSorted());
    for (const { id } of events) expect(id.split(',')).toHaveLength(SHARDS);
  });

  it('goes on exactly with any id of a stream, at another process', async () => {
    const prefix = randomUUID();
    const test = await start({ prefix });
    const other = broker === 'memory' ? test : await start({ prefix });
    const stream = await test.client([a, b, c]);
    const channels = [a, b, c];
    for (let n = 0; n < 12; n++) await publish(test, channels[n % 3]!, n);
    await isTold(stream, 12);
    const events = stream.messages.filter(({ type }) => type === 'n');
    for (let i = 0; i < events.length; i++) {
      const rest = await other.client([a, b, c], { lastEventId: events[i]!.id });
      await isTold(rest, 11 - i);
      const before = events.slice(0, i + 1).map(({ data }) => (JSON.parse(data) as [string, number])[1]);
      expect([...before, ...(told(rest) as number[])].sort((x, y) => x - y)).toEqual(
        Array.from({ length: 12 }, (_, n) => n),
      );
      for (const channel of channels) {
        const numbers = told(rest, channel) as number[];
        expect(numbers).toEqual(numbers.toSorted((x, y) => x - y));
      }
      await stream.close();
      await rest.close();
    }
  });

  it('passes over events where ids are those of one shard alone (control)', async () => {
    const test = await start();
    jest.spyOn(JoinedSubscriber.prototype, 'join').mockImplementation((_, id) => id);
    const first = await test.client([a, b]);
    await publish(test, a, 1);
    await publish(test, b, 2);
    await isTold(first, 2);
    await first.close();
    await publish(test, a, 3);
    await publish(test, b, 4);
    const second = await test.client([a, b], { lastEventId: first.lastEventId });
    await publish(test, a, 5);
    await publish(test, b, 6);
    await until(() => [5, 6].every((n) => told(second).includes(n)));
    expect(told(second)).toHaveLength(3);
  });

  it('begins at now on a shard that the id does not name, and keeps what it names besides', async () => {
    const test = await start();
    const first = await test.client([a, b]);
    await publish(test, a, 1);
    await publish(test, c, 2);
    await isTold(first, 1);
    const id = first.lastEventId;
    await first.close();
    await publish(test, a, 3);
    await publish(test, b, 4);
    // Not on the shard of `b`, whose entry is kept.
    const second = await test.client([a, c], { lastEventId: id });
    await isTold(second, 1);
    await publish(test, c, 5);
    await isTold(second, 2);
    expect(told(second)).toEqual([3, 5]);
    await second.close();
    const third = await test.client([b], { lastEventId: second.lastEventId });
    await isTold(third, 1);
    expect(told(third)).toEqual([4]);
  });

  it.each(['1767225600000-0', 'nonsense', '1767225600000-0@0,1767225600000-0@7'])(
    'tells of a gap on each channel at the id %s, which is none of this hub, and again where it was cut in between',
    async (lastEventId) => {
      const test = await start();
      const stream = await test.client([a, b, c], { lastEventId });
      await isTold(stream, 3);
      expect(new Set(told(stream))).toEqual(new Set([a, b, c].map((name) => `gap ${name}`)));
      const gaps = stream.messages.filter(({ type }) => type === 'gap');
      // Until the last gap the client keeps the id with which it came.
      expect(gaps.slice(0, 2).map(({ id }) => id)).toEqual([lastEventId, lastEventId]);
      expect(gaps[2]!.id.split(',')).toHaveLength(SHARDS);
      await publish(test, b, 1);
      await isTold(stream, 4);
    },
  );

  it('names no more late channels in an id than proxies let through', async () => {
    const test = await start();
    const late = Array.from({ length: 300 }, (_, i) => `late${i}`);
    const before = await test.hub.cursor();
    await test.hub.publishMany(late.map((channel) => ({ channel, data: channel })));
    const stream = await test.client([a, b, c]);
    const registry = test.running.app.get(SseRegistry);
    const { id } = await until(async () => (await registry.list({})).connections[0]);
    await test.hub.subscribe(id, late, { after: before });
    const data = () =>
      new Set(stream.messages.filter(({ type }) => type === 'message').map((one) => one.data));
    await until(() => data().size === late.length);
    const named = stream.blocks.map((block) => block.id?.match(/[:.][\w-]{8}(?=[.~])/g)?.length ?? 0);
    // Nearly as many as one shard would name.
    expect(Math.max(...named)).toBeGreaterThan(80);
    expect(Math.max(...named)).toBeLessThanOrEqual(3 * Math.ceil(256 / 3));
  });

  it('rewinds by the last events of all shards together', async () => {
    const test = await start();
    for (const [n, channel] of [a, b, c, a, b, c, a, a].entries()) {
      const id = await publish(test, channel, n);
      // Clocks of shards order events that are some milliseconds apart.
      await until(() => Date.now() > Number(id.split('-')[0]) + 2);
    }
    const stream = SseStream.open(`${test.url(a, b, c)}&rewind=4`);
    hubs.closeLater(() => stream.close());
    await isTold(stream, 4);
    await publish(test, a, 8);
    await isTold(stream, 5);
    expect(new Set(told(stream))).toEqual(new Set([4, 5, 6, 7, 8]));
    const listener = test.subscribe(a, { rewind: 2 });
    await until(() => listener.events.length === 2);
    expect(listener.events.map(({ data }) => data)).toEqual([
      [a, 7],
      [a, 8],
    ]);
  });

  it('puts an open stream on a channel of another shard, and takes it off', async () => {
    const test = await start();
    const stream = await test.client([a]);
    await publish(test, a, 1);
    await publish(test, b, 2);
    await isTold(stream, 1);
    expect(stream.lastEventId).not.toContain(',');
    const { connections } = await test.running.app.get(SseRegistry).list();
    const { id } = connections[0]!;
    await test.hub.subscribe(id, [b, a2]);
    await publish(test, b, 3);
    await publish(test, a2, 4);
    await isTold(stream, 3);
    expect(new Set(told(stream))).toEqual(new Set([1, 3, 4]));
    expect(stream.lastEventId.split(',')).toHaveLength(2);
    const back = await test.client([a, a2, b], { lastEventId: stream.lastEventId });
    await test.hub.unsubscribe(id, [b]);
    await publish(test, b, 5);
    await publish(test, a, 6);
    await isTold(stream, 4);
    expect(told(stream).at(-1)).toBe(6);
    await isTold(back, 2);
    expect(told(back)).toEqual(expect.arrayContaining([5, 6]));
    await test.hub.subscribe(id, [c], { after: await test.hub.cursor([c]) });
    await publish(test, c, 7);
    await isTold(stream, 5);
  });

  it('leaves others on a channel alone where a stream closes while it is put on that and one of another shard', async () => {
    const test = await start({ auditInterval: 600_000 });
    const holder = await test.client([a]);
    const stream = await test.client([c]);
    const registry = test.running.app.get(SseRegistry);
    const { connections } = await registry.list({ channel: c });
    const { broker } = test.hub['node'].shards.of(b);
    const subscribe = broker.subscribe.bind(broker);
    let isAsked = false;
    broker.subscribe = async (channel) => {
      isAsked ||= channel === b;
      await stream.ended;
      await until(() => test.hub.stats().connections === 1);
      return subscribe(channel);
    };
    const added = test.hub.subscribe(connections[0]!.id, [a, b]);
    await until(() => isAsked);
    await stream.close();
    await expect(added).rejects.toThrow('closed meanwhile');
    await publish(test, a, 1);
    await isTold(holder, 1);
    expect(told(holder)).toEqual([1]);
    await holder.close();
    await until(() => test.hub.stats().channels === 0);
  });

  it('tells a stream at once where it stands on a shard that is new to it', async () => {
    const test = await start();
    const stream = await test.client([a]);
    await publish(test, a, 1);
    await isTold(stream, 1);
    const { connections } = await test.running.app.get(SseRegistry).list();
    await test.hub.subscribe(connections[0]!.id, [b]);
    await until(() => stream.lastEventId?.includes(','));
    const lastEventId = stream.lastEventId;
    await publish(test, b, 2);
    await stream.close();
    const back = await test.client([a, b], { lastEventId });
    await publish(test, b, 3);
    await isTold(back, 2);
    expect(told(back)).toEqual([2, 3]);
  });

  it('ends a stream whose channels were all replaced by one of another shard', async () => {
    const test = await start();
    const stream = await test.client([a]);
    const { connections } = await test.running.app.get(SseRegistry).list();
    const { id } = connections[0]!;
    await test.hub.unsubscribe(id, [a]);
    await test.hub.subscribe(id, [b]);
    await test.hub.pipe(b, ['x']);
    await stream.ended;
    expect(stream.messages.at(-1)!.type).toBe('end');
  });

  it('refuses an `after` that says nothing of a channel', async () => {
    const test = await start();
    const stream = await test.client([a]);
    const id = await publish(test, a, 1);
    await isTold(stream, 1);
    const { connections } = await test.running.app.get(SseRegistry).list();
    await expect(test.hub.subscribe(connections[0]!.id, [a2, b], { after: id })).rejects.toThrow(
      InvalidEventIdError,
    );
    expect(() => test.hub.events(b, { after: id })).toThrow(InvalidEventIdError);
  });

  it('ends a stream when the channels of all shards have ended, and not before', async () => {
    const test = await start();
    const stream = await test.client([a, b]);
    await test.hub.pipe(a, ['one']);
    await test.hub.pipe(a, ['two']);
    await publish(test, b, 1);
    await isTold(stream, 1);
    expect(stream.messages.map(({ data }) => data)).toEqual(expect.arrayContaining(['one', 'two']));
    await test.hub.pipe(b, ['three']);
    await stream.ended;
    expect(stream.messages.at(-1)!.type).toBe('end');
  });

  it('reads history, observes and takes cursors by shards', async () => {
    const test = await start();
    const before = await test.hub.cursor();
    expect(before.split(',')).toHaveLength(SHARDS);
    expect((await test.hub.cursor([a, a2])).split(',')).toHaveLength(1);
    const id = await publish(test, b, 1);
    await publish(test, b, 2);
    const page = await test.hub.history(b, { after: before });
    expect(page.events.map(({ data }) => data)).toEqual([
      [b, 1],
      [b, 2],
    ]);
    expect(page.gap).toBe(false);
    const listener = await test.listener(b, { after: id });
    expect(listener.events[0]!.data).toEqual([b, 2]);
    await expect(test.hub.history(a, { after: id })).rejects.toThrow(InvalidEventIdError);
    const stream = await test.client([b], { lastEventId: page.cursor });
    await publish(test, b, 3);
    await isTold(stream, 1);
    expect(told(stream)).toEqual([3]);
  });

  it('publishes many over the shards, with each result at its place', async () => {
    const test = await start();
    const channels = [a, b, a2, c, b, a];
    const results = await test.hub.publishMany([
      ...channels.map((channel, n) => ({ channel, type: 'n', data: [channel, n] })),
      { channel: '', data: 1 },
    ]);
    expect(results.slice(0, 6).map((result) => 'id' in result && result.id.split('@')[1])).toEqual(
      channels.map((channel) => String(map.of(channel))),
    );
    expect(results[6]).toHaveProperty('error');
    expect(await test.dataIn(a)).toEqual([
      [a, 0],
      [a, 5],
    ]);
  });

  it('tells the positions of all shards in one block at each heartbeat', async () => {
    const test = await start({ heartbeatInterval: 200, probeInterval: 50 });
    const ids: string[] = [];
    const stream = SseStream.open(test.url(a, b, c), {
      onBlock: ({ id, isPosition }) => void (isPosition && ids.push(id!)),
    });
    hubs.closeLater(() => stream.close());
    await until(() => ids.length > 0);
    const before = ids[0]!.split(',');
    // That of each shard moves on, as fast as Redis answers its probes.
    await until(() => {
      const after = ids.at(-1)!.split(',');
      return before.every((entry) => !after.includes(entry));
    });
    for (const id of ids) expect(id.split(',')).toHaveLength(SHARDS);
  });
});
