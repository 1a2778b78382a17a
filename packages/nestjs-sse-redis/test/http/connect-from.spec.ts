import { ReconnectingClient, SseStream, until } from '@nestjs-sse-redis/testing';
import { defineChannel, InvalidEventIdError, type SseClient, type StartFrom } from 'nestjs-sse-redis';
import { brokers, Hubs, type TestHub } from '../hub/hubs.js';

const TOKENS = 20_000;
const answers = defineChannel('answer:{id}', { history: { maxLength: 25_000 } });
const tokens = Array.from({ length: TOKENS }, (_, i) => `token ${i}`);

const urlFrom = (test: TestHub, channels: readonly string[], from: StartFrom): string =>
  `${test.url(...channels)}&from=${encodeURIComponent(JSON.stringify(from))}`;

/** The hub's own events besides gaps say nothing of where a client begins. */
const isOfInterest = ({ type }: { type: string }): boolean => type !== 'position' && type !== 'are-you-there';

describe.each([
  ...brokers.map(({ broker }) => ({ broker, shards: 1 })),
  { broker: 'redis' as const, shards: 3 },
])(
  'connect({ from }) over $broker with shards: $shards',
  ({
    broker,
    shards = 1,
  }: {
    broker: 'redis' | 'memory' | 'sentinel' | 'cluster' | 'cluster-3';
    shards?: number;
  }) => {
    const hubs = Hubs.over(broker);
    const start = () =>
      hubs.start({ channels: [answers], shards, publishTimeout: 60_000, history: { maxLength: 100 } });

    function open(
      test: TestHub,
      channels: readonly string[],
      from: StartFrom,
      lastEventId?: string,
    ): SseStream {
      const stream = SseStream.open(urlFrom(test, channels, from), lastEventId ? { lastEventId } : undefined);
      hubs.closeLater(() => stream.close());
      return stream;
    }

    const messagesOf = (stream: SseStream) => stream.messages.filter(isOfInterest);
    const dataOf = (stream: SseStream) =>
      messagesOf(stream).map(({ type, data }) => (type === 'gap' ? type : data));

    it("streams 20,000 tokens from the 'start' of a channel without a gap, and then goes on", async () => {
      const test = await start();
      await test.hub.pipe(answers({ id: 1 }), tokens);
      await test.hub.publish('answer:1', { data: 'next' });
      const stream = open(test, ['answer:1'], 'start');
      // The end of the pipe counts no longer.
      await until(() => dataOf(stream).length > TOKENS);
      expect(dataOf(stream)).toEqual([...tokens, 'next']);
    });

    it('streams them over cuts, by the ids that it gave', async () => {
      const test = await start();
      await test.hub.publish('plain', { data: 'old' });
      await test.hub.publishMany(tokens.slice(0, 3_000).map((data) => ({ channel: 'answer:1', data })));
      const from = { 'answer:1': 'start' };
      const client = ReconnectingClient.start(urlFrom(test, ['answer:1', 'plain'], from));
      hubs.closeLater(() => client.stop());
      const data = () => client.ledger.filter(isOfInterest).map((message) => message.data);
      for (const count of [1, 500, 1_000, 1_001, 2_500]) {
        await until(() => data().length >= count);
        await client.drop();
      }
      await until(() => data().length >= 3_000);
      await test.hub.publish('plain', { data: 'new' });
      await until(() => data().includes('new'));
      expect(data()).toEqual([...tokens.slice(0, 3_000), 'new']);
    });

    it("tells a gap at the 'start' of a channel that was trimmed", async () => {
      const test = await start();
      await test.hub.publishMany(tokens.slice(0, 400).map((data) => ({ channel: 'plain', data })));
      const stream = open(test, ['plain'], 'start');
      await until(() => dataOf(stream).at(-1) === 'token 399');
      const [gap] = messagesOf(stream);
      expect(JSON.parse(gap!.data)).toMatchObject({ channel: 'plain', from: null });
      const rest = dataOf(stream).slice(1);
      expect(rest).toEqual(tokens.slice(400 - rest.length, 400));
      expect(rest.length).toBeGreaterThanOrEqual(100);
    });

    it('begins each channel where it is told, and the others at now', async () => {
      const test = await start();
      const channels = ['whole', 'part', 'after', 'now'];
      const ids: string[] = [];
      for (let i = 0; i < 4; i++)
        for (const channel of channels)
          ids.push((await test.hub.publish(channel, { data: `${channel} ${i}` })).id);
      const from = { whole: 'start', part: { last: 2 }, after: ids[10]!, quiet: 'start' };
      const stream = open(test, [...channels, 'quiet'], from);
      const expected = ['whole 0', 'whole 1', 'whole 2', 'whole 3', 'part 2', 'part 3', 'after 3'];
      await until(() => dataOf(stream).length >= expected.length);
      await until(() => stream.blocks.length > 0);
      await test.hub.publish('now', { data: 'later' });
      await test.hub.publish('quiet', { data: 'later' });
      await until(() => dataOf(stream).length >= expected.length + 2);
      expect(dataOf(stream).toSorted()).toEqual([...expected, 'later', 'later'].toSorted());
      for (const channel of channels) {
        const own = dataOf(stream).filter((data) => data.startsWith(channel));
        expect(own).toEqual(own.toSorted());
      }
    });

    it('begins with the last events of all channels, as rewind does', async () => {
      const test = await start();
      for (let i = 0; i < 6; i++) await test.hub.publish(i % 2 ? 'a' : 'b', { data: String(i) });
      const stream = open(test, ['a', 'b'], { last: 3 });
      await until(() => dataOf(stream).length === 3);
      // Shards have no order among them.
      expect(dataOf(stream).toSorted()).toEqual(['3', '4', '5']);
    });

    it('is for new clients: one with an id goes on after it', async () => {
      const test = await start();
      await test.hub.publish('a', { data: '1' });
      const { id } = await test.hub.publish('a', { data: '2' });
      await test.hub.publish('a', { data: '3' });
      for (const from of ['start', { a: 'start' }]) {
        const stream = open(test, ['a'], from, id);
        await until(() => dataOf(stream).length > 0);
        expect(dataOf(stream)).toEqual(['3']);
      }
    });

    it('begins at now on a channel without events, and misses none', async () => {
      const test = await start();
      const stream = open(test, ['a'], 'start');
      await stream.waitForBlock(({ id }) => id !== undefined);
      await test.hub.publish('a', { data: '1' });
      await until(() => dataOf(stream).length > 0);
      expect(dataOf(stream)).toEqual(['1']);
    });

    it("reads by events() and history() from the 'start'", async () => {
      const test = await start();
      await test.hub.publishMany(tokens.slice(0, 250).map((data) => ({ channel: 'answer:1', data })));
      await test.hub.publishMany(tokens.slice(0, 400).map((data) => ({ channel: 'plain', data })));
      const read: unknown[] = [];
      for (let after = 'start'; ;) {
        const page = await test.hub.history('answer:1', { after, limit: 100 });
        expect(page.gap).toBe(false);
        if (page.events.length === 0) break;
        read.push(...page.events.map(({ data }) => data));
        after = page.cursor;
      }
      expect(read).toEqual(tokens.slice(0, 250));
      expect((await test.hub.history('plain', { after: 'start' })).gap).toBe(true);
      expect(await test.hub.history('none', { after: 'start' })).toMatchObject({ events: [], gap: false });
      const [whole, trimmed] = [
        test.subscribe('answer:1', { after: 'start' }),
        test.subscribe('plain', { after: 'start' }),
      ];
      await until(() => whole.data.length === 250 && trimmed.data.at(-1) === 'token 399');
      expect(whole.data).toEqual(tokens.slice(0, 250));
      expect(trimmed.events[0]).toMatchObject({ type: 'gap', data: { from: null } });
    });
  },
);

describe('connect({ from }) that is none', () => {
  const hubs = Hubs.over('memory');

  it.each<[unknown, string]>([
    [5, "from takes 'start', an event id, { last: n }"],
    [['start'], "from takes 'start', an event id, { last: n }"],
    ['begin', 'An event id of this hub looks like'],
    [{ last: -1 }, 'from.last takes a whole number from 0 to 1000'],
    [{ a: { last: 2_000 } }, 'from["a"].last takes a whole number'],
    [{ a: 7 }, `from of channel "a" takes 'start', an event id or { last: n }`],
    [{ a: 'begin' }, 'An event id of this hub looks like'],
    [{ b: 'start' }, 'from names the channel "b", which is none of the stream'],
    [{ last: 'start' }, 'from names the channel "last", which is none of the stream'],
  ])('%j is answered with 400', async (from, message) => {
    const test = await hubs.start();
    const response = await fetch(urlFrom(test, ['a'], from as StartFrom));
    expect(response.status).toBe(400);
    expect(await response.text()).toContain(JSON.stringify(message).slice(1, -1));
  });

  it('is refused for more channels than an id has room for', async () => {
    const test = await hubs.start();
    const channels = Array.from({ length: 257 }, (_, i) => `c${i}`);
    const response = await fetch(urlFrom(test, channels, 'start'));
    expect(await response.text()).toContain(
      'from gives 257 channels a beginning of their own, 256 is the most',
    );
  });

  it.each([1, 3])('is refused also where a stream begins without channels, of %d shards', async (shards) => {
    const test = await hubs.start({ shards });
    const connect = (from: StartFrom) => test.hub.connect({} as SseClient, [], { control: true, from });
    const shard = shards === 1 ? '' : '@2';
    for (const from of [
      'rubbish',
      '7',
      `1700000000000-0${shard === '' ? '@0' : ''}`,
      `x~1700000000000-0${shard}`,
    ])
      expect(() => connect(from)).toThrow(InvalidEventIdError);
    const event = `1700000000000-0${shard}`;
    for (const from of ['0-0', event, `1600000000000-0~${event}`])
      expect(() => connect(from)).not.toThrow(InvalidEventIdError);
  });
});
