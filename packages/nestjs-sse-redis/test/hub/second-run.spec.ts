import { jest } from '@jest/globals';
import { SseStream, until } from '@nestjs-sse-redis/testing';
import type { Broker, LogSlice, ReadRequest } from '../../src/broker/broker.interface.js';
import { Replay } from '../../src/delivery/replay.js';
import { Feed } from '../../src/delivery/feed.js';
import { brokers, Hubs, type Listener, type TestHub } from './hubs.js';

/** The hub's parts that tests hold up, to bring about an order of events that is rare otherwise. */
interface Inside {
  readonly broker: Broker;
  readonly feeds: {
    announced(channel: string, record: unknown): void;
    watermark(position: number): void;
  };
}

const END = '<end>';
const items = (run: string, count = 3): string[] => Array.from({ length: count }, (_, i) => `${run}${i}`);

/** What a page was sent: the data of events, `<end>` for an end, and the types of the hub's other events but positions. */
function sentTo({ messages }: SseStream): string[] {
  return messages
    .filter(({ type }) => type !== 'position')
    .map(({ type, data }) => (type === 'end' ? END : type === 'message' ? data : type));
}

function sentToListener({ events }: Listener): unknown[] {
  return events.map(({ type, data }) => (type === 'end' ? END : (type ?? data)));
}

/** Replaces a method, and puts it back after the test. */
function replace<T extends object, K extends keyof T>(hubs: Hubs, on: T, method: K, by: T[K]): void {
  const had = Object.hasOwn(on, method);
  const before = on[method];
  on[method] = by;
  hubs.closeLater(() => {
    if (had) on[method] = before;
    else delete on[method];
  });
}

describe.each(brokers)('a channel with several runs over the $broker broker', ({ broker }) => {
  const hubs = Hubs.over(broker);
  const start = () => hubs.start({ history: { maxLength: 10_000 } });
  const inside = ({ hub }: TestHub): Inside => hub['node'].shards.of('a');

  function page(
    test: TestHub,
    channels: string[],
    options: { rewind?: number; after?: string } = {},
  ): SseStream {
    const { rewind = 0, after } = options;
    const stream = SseStream.open(`${test.url(...channels)}&rewind=${rewind}`, { lastEventId: after });
    hubs.closeLater(() => stream.close());
    return stream;
  }

  const publish = (test: TestHub, channel: string, data: readonly string[]) =>
    test.hub.publishMany(data.map((item) => ({ channel, data: item })));
  const endRun = (test: TestHub, channel: string) => test.hub.pipe(channel, []);

  /** Two runs that ended, and a third that goes on. Returns ids of the first run, and a position between the runs. */
  async function threeRuns(
    test: TestHub,
    count = 3,
  ): Promise<{ inFirst: string; firstEnd: string; between: string }> {
    const inFirst = (await test.hub.publish('a', { data: 'A0' })).id;
    await test.hub.pipe('a', items('A', count).slice(1));
    const firstEnd = (await test.hub.history('a', { limit: 1 })).events[0]!.id;
    const between = await test.hub.cursor();
    await test.hub.pipe('a', items('B', count));
    await publish(test, 'a', items('C', count));
    return { inFirst, firstEnd, between };
  }

  const [A, B, C] = [items('A'), items('B'), items('C')];
  type Ids = Awaited<ReturnType<typeof threeRuns>>;
  const beginnings: [string, (ids: Ids) => { rewind?: number; after?: string }, string[]][] = [
    ['rewinds over two ended runs', () => ({ rewind: 100 }), [...A, ...B, ...C]],
    ['rewinds to the end of the run before', () => ({ rewind: 4 }), C],
    [
      'returns with an id of the first run',
      ({ inFirst }) => ({ after: inFirst }),
      [...A.slice(1), ...B, ...C],
    ],
    ['returns with the id of the first end', ({ firstEnd }) => ({ after: firstEnd }), [...B, ...C]],
    ['returns with a position between the runs', ({ between }) => ({ after: between }), [...B, ...C]],
  ];

  describe.each([
    ['the log', false],
    ['memory', true],
  ])('caught up from %s', (_where, isInMemory) => {
    it.each(beginnings)(
      'sends the run that goes on, and its end alone, to a page that %s',
      async (_name, from, expected) => {
        const test = await start();
        if (isInMemory) await test.client(['a', 'other']);
        const stream = page(test, ['a'], from(await threeRuns(test)));
        await until(() => sentTo(stream).length >= expected.length);
        await publish(test, 'a', ['C3']);
        await endRun(test, 'a');
        expect(await stream.ended).toBe('end');
        expect(sentTo(stream)).toEqual([...expected, 'C3', END]);
      },
    );

    it.each(beginnings)(
      'gives the same to a subscriber of hub.events() that %s',
      async (_name, from, expected) => {
        const test = await start();
        if (isInMemory) await test.client(['a', 'other']);
        const listener = test.subscribe('a', from(await threeRuns(test)));
        await until(() => listener.events.length >= expected.length);
        await endRun(test, 'a');
        await until(() => listener.completed);
        expect(sentToListener(listener)).toEqual([...expected, END]);
      },
    );

    it('ends a page that rewinds over three ended runs with the last end alone', async () => {
      const test = await start();
      if (isInMemory) await test.client(['a', 'other']);
      await threeRuns(test);
      await endRun(test, 'a');
      const stream = page(test, ['a'], { rewind: 100 });
      expect(await stream.ended).toBe('end');
      expect(sentTo(stream)).toEqual([...A, ...B, ...C, END]);
    });
  });

  it('sends a second page from memory what the first one read from the log', async () => {
    const test = await start();
    await threeRuns(test);
    const first = page(test, ['a'], { rewind: 100 });
    await until(() => sentTo(first).length >= 9);
    const second = page(test, ['a'], { rewind: 100 });
    await until(() => sentTo(second).length >= 9);
    await endRun(test, 'a');
    expect([await first.ended, await second.ended]).toEqual(['end', 'end']);
    expect(sentTo(second)).toEqual(sentTo(first));
    expect(sentTo(first)).toEqual([...A, ...B, ...C, END]);
  });

  // A reading returns 256 records: the end is the last of the first one, or the first of the second.
  it.each([254, 255, 256, 300])(
    'passes ends in a log of several readings with runs of %i events',
    async (count) => {
      const test = await start();
      await threeRuns(test, count);
      const expected = [...items('A', count), ...items('B', count), ...items('C', count)];
      const stream = page(test, ['a'], { rewind: 1_000 });
      await until(() => sentTo(stream).length >= expected.length);
      await endRun(test, 'a');
      expect(await stream.ended).toBe('end');
      expect(sentTo(stream)).toEqual([...expected, END]);
    },
  );

  it('goes on for a page of two channels until the run of each has ended', async () => {
    const test = await start();
    await test.hub.pipe('a', A);
    await test.hub.pipe('{a}b', items('X'));
    await publish(test, 'a', B);
    const stream = page(test, ['a', '{a}b'], { rewind: 100 });
    await until(() => sentTo(stream).includes('B2'));
    expect(sentTo(stream)).toEqual([...A, ...items('X'), END, ...B]);
    await endRun(test, 'a');
    expect(await stream.ended).toBe('end');
    expect(sentTo(stream).slice(-1)).toEqual([END]);
    // The position is that of the last end: on a return both have ended.
    const back = page(test, ['a', '{a}b'], { after: stream.lastEventId });
    expect(await back.ended).toBe('end');
    expect(sentTo(back)).toEqual([]);
  });

  it('goes on where a channel that had ended begins again before the other one is read to its end', async () => {
    const test = await start();
    await publish(test, '{a}b', ['X0']);
    await endRun(test, 'a');
    await publish(test, '{a}b', items('Y', 300));
    const { broker } = inside(test);
    const read = broker.read.bind(broker);
    let readings = 0;
    // The first reading of the second channel is cut. Before the next one, it ends and then `a` begins again.
    replace(hubs, broker, 'read', async (requests, limits) => {
      if (requests.some(({ channel }) => channel === '{a}b') && ++readings === 2) {
        await endRun(test, '{a}b');
        await publish(test, 'a', ['A0']);
      }
      return read(requests, limits);
    });
    const stream = page(test, ['a', '{a}b'], { rewind: 1_000 });
    await until(() => sentTo(stream).includes('A0'));
    await publish(test, 'a', ['A1']);
    await until(() => sentTo(stream).includes('A1'));
    expect(sentTo(stream).slice(-3)).toEqual([END, 'A0', 'A1']);
  });

  describe('an event that is announced after the log was read', () => {
    /** Has a next run begin between the reading of a log and its delivery. */
    function beginAfterReading(test: TestHub): void {
      const { broker, feeds } = inside(test);
      const read = broker.read.bind(broker);
      let isHeard = false;
      const announced = feeds.announced.bind(feeds);
      replace(hubs, feeds, 'announced', (channel, record) => {
        announced(channel, record);
        isHeard = true;
      });
      replace(hubs, broker, 'read', async (requests: readonly ReadRequest[], limits): Promise<LogSlice[]> => {
        const slices = await read(requests, limits);
        if (!isHeard) {
          await publish(test, 'a', ['B0']);
          await until(() => isHeard);
        }
        return slices;
      });
    }

    it('makes a page that rewinds go on', async () => {
      const test = await start();
      await test.hub.pipe('a', A);
      beginAfterReading(test);
      const stream = page(test, ['a'], { rewind: 100 });
      await until(() => sentTo(stream).includes('B0'));
      await publish(test, 'a', ['B1']);
      await until(() => sentTo(stream).includes('B1'));
      expect(sentTo(stream)).toEqual([...A, 'B0', 'B1']);
    });

    it('makes a page that returns after the end go on', async () => {
      const test = await start();
      await test.hub.pipe('a', A);
      const after = await test.hub.cursor();
      beginAfterReading(test);
      const stream = page(test, ['a'], { after });
      await until(() => sentTo(stream).includes('B0'));
      await publish(test, 'a', ['B1']);
      await until(() => sentTo(stream).includes('B1'));
      expect(sentTo(stream)).toEqual(['B0', 'B1']);
    });
  });

  describe('announcements that are late', () => {
    /** Holds back all that the broker tells of events from now on. Returns what lets it through. */
    function holdAnnouncements(test: TestHub): () => void {
      const { feeds } = inside(test);
      const announced = feeds.announced.bind(feeds);
      const watermark = feeds.watermark.bind(feeds);
      const held: (() => void)[] = [];
      let isHolding = true;
      replace(hubs, feeds, 'announced', (channel, record) => {
        if (isHolding) held.push(() => announced(channel, record));
        else announced(channel, record);
      });
      replace(hubs, feeds, 'watermark', (position) => {
        if (!isHolding) watermark(position);
      });
      return () => {
        isHolding = false;
        for (const tell of held) tell();
      };
    }

    async function rewindWhileLate(test: TestHub): Promise<{ stream: SseStream; release: () => void }> {
      const live = await test.client(['a', 'other']);
      await test.hub.pipe('a', A);
      await until(() => sentTo(live).includes(END));
      const release = holdAnnouncements(test);
      await publish(test, 'a', ['B0']);
      return { stream: page(test, ['a'], { rewind: 100 }), release };
    }

    it('end nobody with an end from memory that the log has superseded', async () => {
      const test = await start();
      const { stream, release } = await rewindWhileLate(test);
      await until(() => sentTo(stream).includes('B0'));
      release();
      await publish(test, 'a', ['B1']);
      await until(() => sentTo(stream).includes('B1'));
      expect(sentTo(stream)).toEqual([...A, 'B0', 'B1']);
    });

    it('negative control: end a page too soon where memory is believed', async () => {
      const test = await start();
      const believing = jest.spyOn(
        Replay.prototype as unknown as { endsByMemory: boolean },
        'endsByMemory',
        'get',
      );
      believing.mockReturnValue(false);
      hubs.closeLater(() => believing.mockRestore());
      const { stream } = await rewindWhileLate(test);
      expect(await stream.ended).toBe('end');
      expect(sentTo(stream)).toEqual([...A, END]);
    });
  });

  it('sends a live page the end at once, and the run of the same batch when it returns', async () => {
    const test = await start();
    const stream = await test.client(['a']);
    const { broker } = inside(test);
    const publication = (kind: 'x' | 't', text: string) => ({
      channel: 'a',
      event: { kind, text },
      ephemeral: false,
      idempotencyKey: undefined,
    });
    await broker.publish([
      publication('t', 'data: A0\n\n'),
      publication('x', 'event: end\ndata: {"channel":"a"}\n\n'),
      publication('t', 'data: B0\n\n'),
    ]);
    expect(await stream.ended).toBe('end');
    expect(sentTo(stream)).toEqual(['A0', END]);
    const back = page(test, ['a'], { after: stream.lastEventId });
    await until(() => sentTo(back).includes('B0'));
    await endRun(test, 'a');
    expect(await back.ended).toBe('end');
    expect(sentTo(back)).toEqual(['B0', END]);
  });

  it('passes the end that a slow page had not been sent when the next run began', async () => {
    const test = await start();
    const stream = await test.client(['a']);
    stream.pause();
    // More than the buffers of the kernel hold, so that the page stays full until it reads.
    const run = items('A', 100);
    for (const item of run) await publish(test, 'a', [`${item} ${'x'.repeat(200_000)}`]);
    await until(() => test.hub.stats().connectionStates.full === 1);
    await endRun(test, 'a');
    await publish(test, 'a', ['B0']);
    stream.resume();
    await until(() => sentTo(stream).includes('B0'));
    await endRun(test, 'a');
    expect(await stream.ended).toBe('end');
    const short = sentTo(stream).map((data) => data.split(' ')[0]);
    expect(short).toEqual([...run, 'B0', END]);
  });

  it('ends again a page that returns while no new run has begun', async () => {
    const test = await start();
    await threeRuns(test);
    await endRun(test, 'a');
    const back = page(test, ['a'], { after: await test.hub.cursor() });
    expect(await back.ended).toBe('end');
    expect(sentTo(back)).toEqual([]);
  });

  it.each([
    ['the log', false],
    ['memory', true],
  ])(
    'negative control: ends a page with the first run from %s where superseded ends count',
    async (_where, isInMemory) => {
      const test = await start();
      replace(hubs, Feed.prototype, 'goesOnAfter', () => false);
      if (isInMemory) await test.client(['a', 'other']);
      const { between } = await threeRuns(test);
      const rewinding = page(test, ['a'], { rewind: 100 });
      expect(await rewinding.ended).toBe('end');
      expect(sentTo(rewinding)).toEqual([...A, END]);
      const returning = page(test, ['a'], { after: between });
      expect(await returning.ended).toBe('end');
      expect(sentTo(returning)).toEqual([...B, END]);
      const listener = test.subscribe('a', { rewind: 100 });
      await until(() => listener.completed);
      expect(sentToListener(listener)).toEqual([...A, END]);
    },
  );
});

describe('a channel with several runs over a link that breaks', () => {
  const hubs = Hubs.over('redis');

  it('passes an end that came while the link was lost, where the next run has begun', async () => {
    const test = await hubs.start();
    const stream = await test.client(['a']);
    await test.hub.publish('a', { data: 'A0' });
    await stream.waitFor(({ data }) => data === 'A0');
    // The link comes back after the next run has begun: else the end would be the newest, and the page be sent it.
    const { broker } = test.hub['node'].shards.of('a') as unknown as {
      broker: { onRestored(): Promise<void> };
    };
    const onRestored = broker.onRestored.bind(broker);
    let restore!: () => void;
    const begun = new Promise<void>((resolve) => (restore = resolve));
    replace(hubs, broker, 'onRestored', () => begun.then(onRestored));
    await hubs.redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await until(() => !test.hub.stats().linkUp);
    await test.hub.pipe('a', []);
    await test.hub.publish('a', { data: 'B0' });
    restore();
    await stream.waitFor(({ data }) => data === 'B0');
    expect(sentTo(stream)).toEqual(['A0', 'B0']);
  });
});
