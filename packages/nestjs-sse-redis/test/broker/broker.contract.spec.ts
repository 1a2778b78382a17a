import { until } from '@nestjs-sse-redis/testing';
import type { Broker } from '../../src/broker/broker.interface.js';
import { parseEventId } from '../../src/event/position.js';
import type { SseRedisOptions } from '../../src/options/sse-redis-options.interface.js';
import { brokerSetUps, dataOf, Heard, publication, publishAll } from './broker-set-ups.js';

const ALL = { records: 10_000, bytes: Infinity };

describe.each(brokerSetUps)('the $name broker', (setUp) => {
  const open: Broker[] = [];
  let heard: Heard;

  async function start(options: SseRedisOptions = {}): Promise<Broker> {
    const broker = setUp.create(options);
    open.push(broker);
    heard = new Heard();
    await broker.start(heard);
    return broker;
  }

  beforeAll(() => setUp.prepare());
  afterEach(async () => {
    await Promise.all(open.splice(0).map((broker) => broker.close()));
  });
  afterAll(() => setUp.dispose());

  it('gives positions that increase across all channels, also within a millisecond', async () => {
    const broker = await start();
    const many = Array.from({ length: 3_000 }, (_, i) => publication(i % 2 ? 'a' : 'b', i));
    const positions = await publishAll(broker, ...many);
    expect(positions.every((position, i) => i === 0 || position > positions[i - 1]!)).toBe(true);
    expect(await broker.position()).toBeGreaterThanOrEqual(positions.at(-1)!);
  });

  it('tells no forks of data that never failed over', async () => {
    const broker = await start();
    await publishAll(broker, publication('a', 1));
    await broker.position();
    expect(broker.line.forks).toEqual([]);
  });

  it('announces to subscribed channels alone, in order, with the id in the frame', async () => {
    const broker = await start();
    await broker.subscribe('a');
    await publishAll(
      broker,
      publication('a', 1),
      publication('b', 2),
      publication('a', 'three', { type: 'greeting' }),
    );
    await until(() => heard.events.length === 2);
    expect(heard.data).toEqual([1, 'three']);
    const [, { channel, record }] = heard.events as [unknown, (typeof heard.events)[0]];
    expect(channel).toBe('a');
    const [id, ...lines] = record.frame.toString().split('\n');
    expect(parseEventId(id!.replace('id: ', ''))).toBe(record.position);
    expect(lines).toEqual(['event: greeting', 'data: three', '', '']);
  });

  it('tells with each event the position of the one before it in its channel', async () => {
    const broker = await start();
    await broker.subscribe('a');
    const positions = await publishAll(broker, publication('a', 1), publication('b', 2), publication('a', 3));
    await until(() => heard.events.length === 2);
    expect(heard.events[1]!.record.prev).toBe(positions[0]);
    expect(heard.events[0]!.record.prev).toBeLessThan(positions[0]!);
  });

  it('hears nothing of a channel that it has left, and again when it is back', async () => {
    const broker = await start();
    await broker.subscribe('a');
    broker.unsubscribe('a');
    await broker.subscribe('b');
    await publishAll(broker, publication('a', 'unheard'), publication('b', 'heard'));
    await until(() => heard.events.length === 1);
    expect(heard.data).toEqual(['heard']);
    await broker.subscribe('a');
    await publishAll(broker, publication('a', 'again'));
    await until(() => heard.events.length === 2);
    expect(heard.data).toEqual(['heard', 'again']);
  });

  it('is on a channel that was left and wanted again in one tick', async () => {
    const broker = await start();
    await broker.subscribe('a');
    broker.unsubscribe('a');
    await broker.subscribe('a');
    await publishAll(broker, publication('a', 1));
    await until(() => heard.events.length === 1);
  });

  it('takes a position after the subscription was acknowledged', async () => {
    const broker = await start();
    const [before] = await publishAll(broker, publication('a', 1));
    expect(await broker.subscribe('a')).toBeGreaterThanOrEqual(before!);
  });

  it('reads a log after a cursor, in order and whole', async () => {
    const broker = await start();
    const positions = await publishAll(broker, ...Array.from({ length: 50 }, (_, i) => publication('a', i)));
    const [slice] = await broker.read([{ channel: 'a', after: positions[9]! }], ALL);
    expect(slice!.records.map(dataOf)).toEqual(Array.from({ length: 40 }, (_, i) => i + 10));
    expect(slice!.logStart).toBeLessThanOrEqual(positions[9]!);
    expect(slice!.coveredUpTo).toBe(slice!.head);
    expect(slice!.head).toBeGreaterThanOrEqual(positions.at(-1)!);
  });

  it('says how far a slice reaches that has not room for all', async () => {
    const broker = await start();
    const positions = await publishAll(broker, ...Array.from({ length: 40 }, (_, i) => publication('a', i)));
    const after = positions[0]! - 1;
    const [byCount] = await broker.read([{ channel: 'a', after }], { records: 25, bytes: Infinity });
    expect(byCount!.records).toHaveLength(25);
    expect(byCount!.coveredUpTo).toBe(positions[24]);
    const [byBytes] = await broker.read([{ channel: 'a', after }], { records: 25, bytes: 1 });
    expect(byBytes!.records).toHaveLength(1);
    expect(byBytes!.coveredUpTo).toBe(positions[0]);
    const [exactly] = await broker.read([{ channel: 'a', after }], { records: 40, bytes: Infinity });
    expect(exactly!.coveredUpTo).toBe(exactly!.head);
  });

  it('reads many channels at once, each after its own cursor', async () => {
    const broker = await start();
    const channels = Array.from({ length: 150 }, (_, i) => `channel:${i}`);
    const positions = await publishAll(
      broker,
      ...channels.flatMap((c) => [publication(c, 1), publication(c, 2)]),
    );
    const slices = await broker.read(
      channels.map((channel, i) => ({ channel, after: positions[2 * i + (i % 2)]! - 1 })),
      ALL,
    );
    expect(slices.map(({ channel }) => channel)).toEqual(channels);
    expect(slices.every(({ records }, i) => records.length === (i % 2 ? 1 : 2))).toBe(true);
  });

  it('keeps about maxLength events, and says from where on nothing is missing', async () => {
    const broker = await start({ history: { maxLength: 10 } });
    const positions = await publishAll(broker, ...Array.from({ length: 500 }, (_, i) => publication('a', i)));
    const [slice] = await broker.read([{ channel: 'a', after: positions[0]! }], ALL);
    const { records, logStart } = slice!;
    expect(records.length).toBeGreaterThanOrEqual(10);
    expect(records.length).toBeLessThanOrEqual(110);
    expect(logStart).toBe(positions.at(-records.length - 1));
  });

  it('forgets events after the retention, and says so', async () => {
    const broker = await start({ history: { ttl: 1_000 }, heartbeatInterval: 500, probeInterval: 500 });
    const readAfter = async (after: number) => (await broker.read([{ channel: 'a', after }], ALL))[0]!;
    let position: number | undefined;
    // Again where a busy machine needs longer than the retention to read.
    await until(async () => {
      [position] = await publishAll(broker, publication('a', 1));
      return (await readAfter(position! - 1)).records.length === 1;
    });
    await until(async () => (await readAfter(position! - 1)).records.length === 0);
    expect((await readAfter(position!)).logStart).toBeGreaterThan(position!);
    // A position of now misses nothing, though there is no log any more.
    const now = await broker.position();
    expect((await readAfter(now)).logStart).toBeLessThanOrEqual(now);
  });

  it('forgets events of a channel that is never quiet by age, too', async () => {
    const broker = await start({ history: { ttl: 1_000 }, heartbeatInterval: 500, probeInterval: 500 });
    const [first] = await publishAll(broker, publication('a', 'first'));
    await until(async () => {
      await publishAll(broker, publication('a', 'later'));
      const [slice] = await broker.read([{ channel: 'a', after: 0 }], ALL);
      return slice!.records[0]!.position > first! && slice!.logStart >= first!;
    });
  });

  it('tells where the events of a range of a log begin and end, each channel by its own range', async () => {
    const broker = await start();
    const positions = await publishAll(broker, ...Array.from({ length: 6 }, (_, i) => publication('a', i)));
    const last = await broker.position();
    const [p0, p1, , p3] = positions as [number, number, number, number];
    const extents = await broker.extents([
      { channel: 'a', after: p0 - 1, upTo: last },
      { channel: 'a', after: p0, upTo: p3 },
      { channel: 'a', after: p0, upTo: p1 - 1 },
      { channel: 'a', after: positions.at(-1)!, upTo: last + 1 },
      { channel: 'no such', after: 0, upTo: last },
    ]);
    expect(extents).toEqual([
      { first: p0, last: positions.at(-1) },
      { first: p1, last: p3 },
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('tells of ranges of many channels at once', async () => {
    const broker = await start();
    const channels = Array.from({ length: 350 }, (_, i) => `channel:${i}`);
    const positions = await publishAll(broker, ...channels.map((channel) => publication(channel, 1)));
    const upTo = await broker.position();
    const ranges = channels.map((channel, i) => ({ channel, after: positions[i]! - ((i + 1) % 2), upTo }));
    expect(await broker.extents(ranges)).toEqual(
      positions.map((position, i) => (i % 2 === 0 ? { first: position, last: position } : undefined)),
    );
  });

  it('has a range begin where it may have begun, if older events of it were trimmed', async () => {
    const broker = await start({ history: { maxLength: 10 } });
    const positions = await publishAll(broker, ...Array.from({ length: 500 }, (_, i) => publication('a', i)));
    const [first, last] = [positions[0]!, positions.at(-1)!];
    expect(await broker.extents([{ channel: 'a', after: first, upTo: last }])).toEqual([
      { first: first + 1, last },
    ]);
  });

  it('finds the position before the last events of some channels together', async () => {
    const broker = await start();
    const positions = await publishAll(
      broker,
      ...Array.from({ length: 20 }, (_, i) => publication(i % 2 ? 'a' : 'b', i)),
    );
    const position = await broker.positionBefore(['a', 'b', 'empty'], 5);
    expect(position).toBeLessThan(positions[15]!);
    expect(position).toBeGreaterThanOrEqual(positions[14]!);
    expect(await broker.positionBefore(['empty'], 5)).toBeGreaterThanOrEqual(positions.at(-1)!);
    expect(await broker.positionBefore(['a', 'b'], 0)).toBeGreaterThanOrEqual(positions.at(-1)!);
  });

  it('finds the positions of the last events of some channels together', async () => {
    const broker = await start({ history: { maxLength: 10 } });
    const find = (channels: string[], count: number) => broker.lastPositions(channels, count);
    expect(await find(['a'], 5)).toEqual([]);
    const positions = await publishAll(
      broker,
      ...Array.from({ length: 20 }, (_, i) => publication(i % 2 ? 'a' : 'b', i)),
    );
    expect(await find(['a', 'b', 'empty'], 5)).toEqual(positions.slice(-5).toReversed());
    expect(await find(['empty'], 5)).toEqual([]);
    expect(await find(['a', 'b'], 0)).toEqual([]);
    await publishAll(broker, ...Array.from({ length: 500 }, (_, i) => publication('a', i)));
    // None from before the oldest that are retained of `a`, though those of `b` are.
    const [oldest] = (await broker.read([{ channel: 'a', after: 0 }], ALL))[0]!.records;
    expect((await find(['a', 'b'], 1_000)).at(-1)).toBe(oldest!.position);
  });

  it('finds where logs begin, and whether older events of them are gone', async () => {
    const broker = await start({ history: { maxLength: 10 } });
    const before = await broker.position();
    await publishAll(broker, ...Array.from({ length: 500 }, (_, i) => publication(i ? 'a' : 'b', i)));
    const [trimmed, whole, none] = await broker.logStarts(['a', 'b', 'empty']);
    const slices = await broker.read(
      [
        { channel: 'a', after: trimmed!.after },
        { channel: 'b', after: whole!.after },
      ],
      ALL,
    );
    expect([trimmed!.isTrimmed, whole!.isTrimmed, none]).toEqual([true, false, undefined]);
    expect(whole!.after).toBeLessThanOrEqual(before);
    expect(slices.map(({ logStart }) => logStart)).toEqual([trimmed!.after, whole!.after]);
    expect(slices[0]!.records[0]!.prev).toBe(trimmed!.after);
    expect(slices[1]!.records.map(dataOf)).toEqual([0]);
  });

  it('rewinds no further than events are retained whole', async () => {
    const broker = await start({ history: { maxLength: 10 } });
    await publishAll(broker, ...Array.from({ length: 500 }, (_, i) => publication('a', i)));
    const after = await broker.positionBefore(['a'], 1_000);
    const [slice] = await broker.read([{ channel: 'a', after }], ALL);
    expect(slice!.logStart).toBeLessThanOrEqual(after);
    expect(slice!.records.length).toBeGreaterThanOrEqual(10);
  });

  it('announces ephemeral events, in order with the others, and keeps them in no log', async () => {
    const broker = await start();
    await broker.subscribe('a');
    const before = await broker.position();
    const positions = await publishAll(
      broker,
      publication('a', 1),
      publication('a', 2, { ephemeral: true }),
      publication('a', 3),
    );
    await until(() => heard.events.length === 3);
    expect(heard.data).toEqual([1, 2, 3]);
    expect(heard.events.map(({ record }) => record.ephemeral)).toEqual([false, true, false]);
    expect(heard.events[2]!.record.prev).toBe(positions[0]);
    const [slice] = await broker.read([{ channel: 'a', after: before }], ALL);
    expect(slice!.records.map(dataOf)).toEqual([1, 3]);
  });

  it('publishes once with an idempotency key, and gives the first position again', async () => {
    const broker = await start();
    await broker.subscribe('a');
    const [first, second] = await publishAll(
      broker,
      publication('a', 1, { key: 'k' }),
      publication('a', 2, { key: 'k' }),
    );
    expect(second).toBe(first);
    await publishAll(broker, publication('b', 3, { key: 'k' }), publication('a', 4, { key: 'other' }));
    await until(() => heard.events.length === 2);
    expect(heard.data).toEqual([1, 4]);
    const [a, b] = await broker.read(
      [
        { channel: 'a', after: 0 },
        { channel: 'b', after: 0 },
      ],
      ALL,
    );
    expect([a!.records.map(dataOf), b!.records.map(dataOf)]).toEqual([[1, 4], [3]]);
  });

  it('forgets an idempotency key after its window', async () => {
    const broker = await start({ idempotencyWindow: 50 });
    const [first] = await publishAll(broker, publication('a', 1, { key: 'k' }));
    await until(async () => (await publishAll(broker, publication('a', 2, { key: 'k' })))[0]! > first!);
  });

  it('tells of the end of a stream to whom nothing else is left', async () => {
    const broker = await start();
    const [event, end] = await publishAll(broker, publication('a', 1), {
      ...publication('a', null),
      event: { kind: 'x', text: 'event: end\ndata: {"channel":"a"}\n\n' },
    });
    const read = async (after: number) => (await broker.read([{ channel: 'a', after }], ALL))[0]!.ended;
    expect(await read(event!)).toBe(false);
    expect(await read(end!)).toBe(true);
    await publishAll(broker, publication('a', 2));
    expect(await read(end!)).toBe(false);
  });

  it('is binary-safe and indifferent to what names and data look like', async () => {
    const broker = await start();
    const channel = 'ключ {a}:*?[x] "__proto__" 🙂';
    await broker.subscribe(channel);
    const data = '\u0000\u0001 \u2028 🙂 \ufeff {"a":1} %s $1 \ndata: x';
    await publishAll(broker, publication(channel, data), publication('__proto__', { a: ['\u0000'] }));
    await until(() => heard.events.length === 1);
    expect(heard.data).toEqual([data]);
    const [a, b] = await broker.read(
      [
        { channel, after: 0 },
        { channel: '__proto__', after: 0 },
      ],
      ALL,
    );
    expect([...a!.records, ...b!.records].map(dataOf)).toEqual([data, { a: ['\u0000'] }]);
  });

  it('carries payloads of a megabyte', async () => {
    const broker = await start();
    await broker.subscribe('a');
    const data = 'é'.repeat(1_048_576);
    await publishAll(broker, publication('a', data));
    await until(() => heard.events.length === 1);
    expect(heard.data[0] === data).toBe(true);
  });

  it('moves the watermark while nothing is published, behind what was', async () => {
    const broker = await start({ probeInterval: 250 });
    await broker.subscribe('a');
    const [position] = await publishAll(broker, publication('a', 1));
    await until(() => heard.watermarks.some((mark) => mark > position!));
    expect(heard.events).toHaveLength(1);
    const before = heard.watermarks.length;
    await until(() => heard.watermarks.length > before);
    expect(heard.watermarks).toEqual([...heard.watermarks].sort((x, y) => x - y));
  });
});
