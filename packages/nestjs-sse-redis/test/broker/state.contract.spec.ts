import { Random, until } from '@nestjs-sse-redis/testing';
import type { Broker, Publication } from '../../src/broker/broker.interface.js';
import { StateFullError } from '../../src/errors/state-full.error.js';
import type { Position } from '../../src/event/position.js';
import type { SseRedisOptions } from '../../src/options/sse-redis-options.interface.js';
import { brokerSetUps, dataOf, Heard, publication, publishAll } from './broker-set-ups.js';

const ALL = { records: 1_000, bytes: Infinity };
const isState = (channel: string): boolean => channel.startsWith('board');

interface Options {
  readonly maxKeys?: number;
  readonly ttl?: number;
  readonly once?: string;
}

function keyed(channel: string, key: string, data: unknown, options: Options = {}): Publication {
  const { maxKeys = 100, ttl, once } = options;
  return {
    ...publication(channel, data, { ...(once && { key: once }) }),
    state: { key, maxKeys },
    ...(ttl && { history: { ttl } }),
  };
}

function removal(channel: string, key: string, options: Options = {}): Publication {
  const text = `event: map\ndata: ${JSON.stringify({ channel, removed: key })}\n\n`;
  return { ...keyed(channel, key, null, options), event: { kind: 'r', text } };
}

// Sentinel and cluster run the same scripts; `declared-keys.spec.ts` sees to their keys.
const setUps = brokerSetUps.filter(({ name }) => name === 'memory' || name === 'redis');

describe.each(setUps)('the log of a state channel over the $name broker', (setUp) => {
  const open: Broker[] = [];
  let heard: Heard;

  async function start(options: SseRedisOptions = {}): Promise<Broker> {
    const broker = setUp.create(options, isState);
    open.push(broker);
    await broker.start((heard = new Heard()));
    return broker;
  }

  async function read(broker: Broker, channel: string, after: Position, limits = ALL) {
    const [slice] = await broker.read([{ channel, after }], limits);
    const entries = slice!.records.map((record) => {
      const { key, count } = record.keyed!;
      return [key, record.kind === 'r' ? 'removed' : dataOf(record), count];
    });
    return { ...slice!, isWhole: slice!.logStart <= after, entries };
  }

  beforeAll(() => setUp.prepare());
  afterEach(async () => {
    await Promise.all(open.splice(0).map((broker) => broker.close()));
  });
  afterAll(() => setUp.dispose());

  it('has the newest event of each key, in the order of their ids', async () => {
    const broker = await start();
    const positions = await publishAll(
      broker,
      keyed('board', 'a', 1),
      keyed('board', 'b', 2),
      keyed('board', 'a', 3),
      keyed('board', 'a', 4),
      publication('plain', 5),
      publication('plain', 6),
    );
    await publishAll(broker, keyed('board', 'c%20e', 7));
    const { entries, isWhole } = await read(broker, 'board', positions[0]!);
    expect(entries).toEqual([
      ['b', 2, 2],
      ['a', 4, 4],
      ['c%20e', 7, 5],
    ]);
    expect(isWhole).toBe(true);
    expect((await read(broker, 'board', positions[2]!)).entries.map(([key]) => key)).toEqual(['a', 'c%20e']);
    const [plain] = await broker.read([{ channel: 'plain', after: positions[0]! }], ALL);
    expect(plain!.records.map(dataOf)).toEqual([5, 6]);
  });

  it('announces each event with its key and number', async () => {
    const broker = await start();
    await broker.subscribe('board');
    await publishAll(broker, keyed('board', 'a', 1), keyed('board', 'a', 2), removal('board', 'a'));
    await until(() => heard.events.length === 3);
    const { events } = heard;
    expect(events.map(({ record }) => record.keyed)).toEqual([1, 2, 3].map((count) => ({ key: 'a', count })));
    expect(events[1]!.record.prev).toBe(events[0]!.record.position);
    expect(events[2]!.record).toMatchObject({ kind: 'r', prev: events[1]!.record.position });
  });

  it('keeps a removal in the place of the event, until the key comes again', async () => {
    const broker = await start();
    const [first] = await publishAll(broker, keyed('board', 'a', 1), keyed('board', 'b', 2));
    await publishAll(broker, removal('board', 'a'));
    expect((await read(broker, 'board', first!)).entries).toEqual([
      ['b', 2, 2],
      ['a', 'removed', 3],
    ]);
    await publishAll(broker, keyed('board', 'a', 4));
    expect((await read(broker, 'board', 0)).entries).toEqual([
      ['b', 2, 2],
      ['a', 4, 4],
    ]);
  });

  it('stores nothing for the removal of a key that is not there', async () => {
    const broker = await start();
    await broker.subscribe('board');
    const before = await broker.position();
    const [none] = await publishAll(broker, removal('board', 'a'));
    const [first] = await publishAll(broker, keyed('board', 'a', 1));
    const [gone, again] = await publishAll(broker, removal('board', 'a'), removal('board', 'a'));
    expect(none).toBeGreaterThanOrEqual(before);
    expect(none).toBeLessThan(first!);
    expect(again).toBeGreaterThanOrEqual(gone!);
    await publishAll(broker, keyed('board', 'b', 2));
    await until(() => heard.data.at(-1) === 2);
    expect(heard.events).toHaveLength(3);
    expect((await read(broker, 'board', 0)).entries.map(([, , count]) => count)).toEqual([2, 3]);
  });

  it('refuses the event of a key beyond the most, and stores nothing of it', async () => {
    const broker = await start();
    const options = { maxKeys: 2 };
    const [, , full, replaced] = await broker.publish([
      keyed('board', 'a', 1, options),
      keyed('board', 'b', 2, options),
      keyed('board', 'c', 3, options),
      keyed('board', 'a', 4, options),
    ]);
    expect(full).toEqual({ error: expect.any(StateFullError) });
    expect((full as { error: Error }).error.message).toContain('"board" has 2 keys');
    expect(replaced).toHaveProperty('position');
    await publishAll(broker, removal('board', 'b', options), keyed('board', 'c', 5, options));
    const { entries } = await read(broker, 'board', 0);
    expect(entries.map(([key, data]) => [key, data])).toEqual([
      ['a', 4],
      ['b', 'removed'],
      ['c', 5],
    ]);
  });

  it('says from where on it has all removals, once it forgets some', async () => {
    const broker = await start();
    const options = { maxKeys: 4 };
    const [first] = await publishAll(broker, keyed('board', 'stays', 1, options));
    for (let i = 0; i < 4; i++)
      await publishAll(broker, keyed('board', `k${i}`, i, options), removal('board', `k${i}`, options));
    expect((await read(broker, 'board', first!)).isWhole).toBe(true);
    await publishAll(broker, keyed('board', 'k4', 4, options), removal('board', 'k4', options));
    const { isWhole, logStart, entries } = await read(broker, 'board', first!);
    expect(isWhole).toBe(false);
    expect(entries.map(([key]) => key)).toEqual(['k3', 'k4']);
    expect((await read(broker, 'board', logStart)).isWhole).toBe(true);
    expect((await read(broker, 'board', 0)).entries[0]).toEqual(['stays', 1, 1]);
  });

  it('forgets removals that are older than the retention, and no event', async () => {
    const broker = await start({ history: { ttl: 1_000 }, heartbeatInterval: 500, probeInterval: 500 });
    const [first] = await publishAll(broker, keyed('board', 'stays', 1), keyed('board', 'goes', 2));
    const [gone] = await publishAll(broker, removal('board', 'goes'));
    await until(async () => {
      await publishAll(broker, keyed('board', 'changes', 3), publication('plain', 1));
      return (await read(broker, 'board', 0)).entries.length === 2;
    });
    const { logStart, entries } = await read(broker, 'board', 0);
    expect(entries.map(([key]) => key)).toEqual(['stays', 'changes']);
    expect(logStart).toBe(gone);
    expect((await read(broker, 'board', first!)).isWhole).toBe(false);
  });

  it('is forgotten whole after a time of its own', async () => {
    const broker = await start();
    const before = await broker.position();
    const [position] = await publishAll(broker, keyed('board', 'a', 1, { ttl: 200 }));
    await until(async () => (await read(broker, 'board', 0)).entries.length === 0);
    expect((await read(broker, 'board', before)).isWhole).toBe(false);
    expect((await read(broker, 'board', position!)).isWhole).toBe(true);
    await publishAll(broker, keyed('board', 'b', 2));
    expect((await read(broker, 'board', 0)).entries).toEqual([['b', 2, 1]]);
  });

  it('begins the next map with the removal of a key, where the map was forgotten, since clients may have it', async () => {
    const broker = await start();
    await broker.subscribe('board');
    const options = { ttl: 200 };
    await publishAll(broker, keyed('board', 'a', 1, options), keyed('board', 'b', 2, options));
    await until(async () => (await read(broker, 'board', 0)).entries.length === 0);
    const own = { ttl: 60_000 };
    const [first, again] = await publishAll(broker, removal('board', 'a', own), removal('board', 'a', own));
    expect(again).toBeGreaterThanOrEqual(first!);
    await until(() => heard.events.length === 3);
    expect(heard.events[2]!.record).toMatchObject({
      kind: 'r',
      position: first,
      keyed: { key: 'a', count: 1 },
    });
    expect((await read(broker, 'board', 0)).entries).toEqual([['a', 'removed', 1]]);
    // The removal counts as no key.
    const [, , full] = await broker.publish(
      ['a', 'b', 'c'].map((key) => keyed('board', key, key, { ...own, maxKeys: 2 })),
    );
    expect(full).toEqual({ error: expect.any(StateFullError) });
    expect((await read(broker, 'board', 0)).entries).toEqual([
      ['a', 'a', 2],
      ['b', 'b', 3],
    ]);
  });

  it('takes a repeated publish with an idempotency key once', async () => {
    const broker = await start();
    const options = { once: 'order-1' };
    const [first, again] = await publishAll(
      broker,
      keyed('board', 'a', 1, options),
      keyed('board', 'a', 2, options),
    );
    expect(again).toBe(first);
    expect((await read(broker, 'board', 0)).entries).toEqual([['a', 1, 1]]);
  });

  it('takes a repeated removal with an idempotency key once, where the first found nothing', async () => {
    const broker = await start();
    const [first] = await publishAll(broker, removal('board', 'a', { once: 'job-1' }));
    await publishAll(broker, keyed('board', 'a', 1));
    const [again] = await publishAll(broker, removal('board', 'a', { once: 'job-1' }));
    expect(again).toBe(first);
    expect((await read(broker, 'board', 0)).entries).toEqual([['a', 1, 1]]);
  });

  it.each([1, 2, 3, 4, 5])(
    'is the map of a model after many changes, read in slices: seed %i',
    async (seed) => {
      const broker = await start();
      const random = new Random(seed);
      const model = new Map<string, unknown>();
      const options = { maxKeys: 12 };
      for (let round = 0; round < 20; round++) {
        const batch = Array.from({ length: 1 + random.int(20) }, (_, i) => {
          const key = `k${random.int(16)}`;
          return random.int(4) === 0
            ? removal('board', key, options)
            : keyed('board', key, round * 100 + i, options);
        });
        const outcomes = await broker.publish(batch);
        for (const [i, outcome] of outcomes.entries()) {
          const { key } = batch[i]!.state!;
          if (batch[i]!.event.kind === 'r') model.delete(key);
          else if ('error' in outcome) expect(model.has(key) || model.size < 12).toBe(false);
          else model.set(key, JSON.parse(batch[i]!.event.text.slice('data: '.length)));
        }
        const map = new Map<unknown, unknown>();
        for (let after = 0; ;) {
          const { entries, coveredUpTo, head } = await read(broker, 'board', after, { records: 3, bytes: 1 });
          for (const [key, data] of entries) {
            expect(map.has(key)).toBe(false);
            if (data !== 'removed') map.set(key, data);
          }
          if (coveredUpTo === head) break;
          after = coveredUpTo;
        }
        expect(map).toEqual(model);
      }
    },
  );
});
