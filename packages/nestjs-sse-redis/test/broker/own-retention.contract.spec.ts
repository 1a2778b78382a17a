import { until } from '@nestjs-sse-redis/testing';
import type { Broker, Publication } from '../../src/broker/broker.interface.js';
import type { LogHistory } from '../../src/broker/log-history.interface.js';
import type { Position } from '../../src/event/position.js';
import type { SseRedisOptions } from '../../src/options/sse-redis-options.interface.js';
import { brokerSetUps, dataOf, Heard, publication, publishAll } from './broker-set-ups.js';

const ALL = { records: 100, bytes: Infinity };
/** A log is gone a second later. */
const SHORT = 200;
const LONG = 600_000;

const kept = (channel: string, data: unknown, history: LogHistory): Publication => ({
  ...publication(channel, data),
  history,
});
const end = (channel: string, history: LogHistory): Publication => ({
  ...kept(channel, null, history),
  event: { kind: 'x', text: `event: end\ndata: {"channel":"${channel}"}\n\n` },
});

// Sentinel and cluster run the same scripts; `declared-keys.spec.ts` sees to their keys.
const setUps = brokerSetUps.filter(({ name }) => name === 'memory' || name === 'redis');

describe.each(setUps)('a log with a time of its own over the $name broker', (setUp) => {
  const open: Broker[] = [];

  async function start(options: SseRedisOptions = {}): Promise<Broker> {
    const broker = setUp.create(options);
    open.push(broker);
    await broker.start(new Heard());
    return broker;
  }

  async function read(broker: Broker, channel: string, after: Position) {
    const [slice] = await broker.read([{ channel, after }], ALL);
    return { isWhole: slice!.logStart <= after, data: slice!.records.map(dataOf) };
  }

  const gone = (broker: Broker, channel: string) =>
    until(async () => (await read(broker, channel, 0)).data.length === 0);

  beforeAll(() => setUp.prepare());
  afterEach(async () => {
    await Promise.all(open.splice(0).map((broker) => broker.close()));
  });
  afterAll(() => setUp.dispose());

  it('forgets events after a shorter time, tells those who lack them, and nobody else', async () => {
    const broker = await start();
    const before = await broker.position();
    const [position] = await publishAll(broker, kept('a', 1, { ttl: SHORT }));
    await publishAll(broker, publication('b', 2));
    expect(await read(broker, 'a', before)).toEqual({ isWhole: true, data: [1] });
    await gone(broker, 'a');
    expect(await read(broker, 'a', before)).toEqual({ isWhole: false, data: [] });
    expect(await broker.positionBefore(['a'], 10)).toBeGreaterThanOrEqual(position!);
    // Who has the event lacks nothing, and of other channels nothing is missing.
    expect(await read(broker, 'a', position!)).toEqual({ isWhole: true, data: [] });
    expect(await read(broker, 'b', before)).toEqual({ isWhole: true, data: [2] });
    expect(await read(broker, 'quiet', before)).toEqual({ isWhole: true, data: [] });
  });

  it.each([
    ['that does not know of it', {}],
    ['that keeps it longer', { ttl: LONG }],
    ['that keeps it as short', { ttl: SHORT }],
  ])('tells of forgotten events behind the next one, of a publisher %s', async (_, history) => {
    const broker = await start();
    const before = await broker.position();
    const [first] = await publishAll(broker, kept('a', 1, { ttl: SHORT }));
    await gone(broker, 'a');
    const [second] = await publishAll(broker, kept('a', 2, history));
    expect(await read(broker, 'a', before)).toEqual({ isWhole: false, data: [2] });
    expect(await read(broker, 'a', first!)).toEqual({ isWhole: true, data: [2] });
    expect(await read(broker, 'a', second!)).toEqual({ isWhole: true, data: [] });
  });

  it('forgets all once a publisher lowers the time, and tells of it', async () => {
    const broker = await start();
    const before = await broker.position();
    await publishAll(broker, publication('a', 1));
    const [second] = await publishAll(broker, kept('a', 2, { ttl: SHORT }));
    expect(await read(broker, 'a', before)).toEqual({ isWhole: true, data: [1, 2] });
    await gone(broker, 'a');
    expect(await read(broker, 'a', before)).toEqual({ isWhole: false, data: [] });
    expect(await read(broker, 'a', second!)).toMatchObject({ isWhole: true });
  });

  it('keeps all once a publisher raises the time', async () => {
    const broker = await start();
    const before = await broker.position();
    await publishAll(broker, kept('a', 1, { ttl: SHORT }), kept('b', 1, { ttl: SHORT }));
    await publishAll(broker, kept('a', 2, { ttl: LONG }));
    await gone(broker, 'b');
    expect(await read(broker, 'a', before)).toEqual({ isWhole: true, data: [1, 2] });
  });

  it('keeps events for longer than others', async () => {
    const broker = await start({ history: { ttl: 1_000 }, heartbeatInterval: 500, probeInterval: 500 });
    const before = await broker.position();
    await publishAll(broker, kept('a', 1, { ttl: LONG }), publication('b', 1));
    await gone(broker, 'b');
    expect(await read(broker, 'a', before)).toEqual({ isWhole: true, data: [1] });
    // By a later event, too.
    await publishAll(broker, ...Array.from({ length: 9 }, (_, i) => kept('a', i, { ttl: LONG })));
    expect((await read(broker, 'a', before)).data).toHaveLength(10);
  });

  it('is gone some time after an end', async () => {
    const broker = await start();
    const history = { ttlAfterEnd: SHORT };
    const before = await broker.position();
    await publishAll(broker, kept('over', 1, history), kept('going on', 1, history));
    const [, last] = await publishAll(broker, kept('over', 2, history), end('over', history));
    await gone(broker, 'over');
    expect(await read(broker, 'over', before)).toEqual({ isWhole: false, data: [] });
    expect(await read(broker, 'over', last!)).toEqual({ isWhole: true, data: [] });
    expect(await read(broker, 'going on', before)).toEqual({ isWhole: true, data: [1] });
  });

  it('stays where another event follows the end, also in the same step', async () => {
    const broker = await start();
    const history = { ttlAfterEnd: SHORT };
    const before = await broker.position();
    await publishAll(broker, end('over', history), end('later', history));
    await publishAll(
      broker,
      kept('at once', 1, history),
      end('at once', history),
      kept('at once', 2, history),
    );
    await publishAll(broker, kept('later', 2, history));
    await gone(broker, 'over');
    expect((await read(broker, 'at once', before)).data).toHaveLength(3);
    expect((await read(broker, 'later', before)).data).toHaveLength(2);
  });

  it('is prolonged by a run that begins, and has the time of the run', async () => {
    const broker = await start();
    const before = await broker.position();
    await publishAll(broker, kept('a', 1, { ttl: SHORT }), kept('b', 1, { ttl: SHORT }));
    const startRun = (channel: string, history: LogHistory) =>
      broker.runs.start({ channel, node: 'n', token: 't', history: { maxLength: 10, ...history } });
    await startRun('a', {});
    await startRun('b', { ttl: SHORT });
    await gone(broker, 'b');
    expect((await read(broker, 'a', before)).data).toHaveLength(2);
    expect(await read(broker, 'b', before)).toMatchObject({ isWhole: false });
  });
});
