import {
  assertWhole,
  forEachAdapter,
  Random,
  SseStream,
  startApp,
  until,
  type AdapterName,
  type RunningApp,
  useRedis,
} from '@nestjs-sse-redis/testing';
import { jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { SseHub, SseRegistry, type ChannelEventInput } from 'nestjs-sse-redis';
import type { EventRecord } from '../../src/event/event-record.js';
import { parseEventId } from '../../src/event/position.js';
import { Subscriber } from '../../src/delivery/subscriber.js';
import { Feeds } from '../../src/delivery/feeds.js';
import { FrameWriter } from '../../src/response/frame-writer.js';
import { ResponseSink } from '../../src/response/response-sink.js';
import { SocketGroup } from '../../src/response/socket-group.js';
import { newsModule, NO_HEARTBEATS } from './news.app.js';

const CLIENTS = 8;
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

const redis = useRedis();

describe('connections that are given the same', () => {
  let running: RunningApp;
  let hub: SseHub;
  let streams: SseStream[];
  const published: { id: string; channel: string }[] = [];

  /** @param both how many of the clients are on a second channel, too */
  async function start(adapter: AdapterName, both = 0): Promise<void> {
    const options = { prefix: randomUUID(), redis: redis.url, directWrites: true, ...NO_HEARTBEATS };
    running = await startApp(newsModule(options), adapter);
    hub = running.app.get(SseHub);
    published.length = 0;
    streams = Array.from({ length: CLIENTS }, (_, i) =>
      SseStream.open(`${running.url}/streams?channels=${i < both ? 'sports,news' : 'news'}`),
    );
    await until(() => streams.every(({ lastEventId }) => lastEventId !== ''));
  }

  afterEach(async () => {
    jest.restoreAllMocks();
    await Promise.all(streams.map((stream) => stream.close()));
    await running.close();
  });

  async function publish(events: readonly (Omit<ChannelEventInput, 'channel'> & { channel?: string })[]) {
    const inputs = events.map((event) => ({ channel: 'news', ...event }));
    for (const [i, result] of (await hub.publishMany(inputs)).entries()) {
      published.push({ id: 'id' in result ? result.id : '', channel: inputs[i]!.channel });
    }
  }

  const expectedBy = ({ url }: SseStream): string[] => {
    const channels = url.searchParams.get('channels')!.split(',');
    return published.filter(({ channel }) => channels.includes(channel)).map(({ id }) => id);
  };
  const receivedBy = ({ messages }: SseStream): string[] =>
    messages.filter(({ type }) => type === 'message').map(({ id }) => id);
  const hasLast = (stream: SseStream): boolean => receivedBy(stream).at(-1) === expectedBy(stream).at(-1);

  /** Waits for the last event, and returns what is wrong with what some stream was sent. */
  async function verdict(): Promise<string[]> {
    await until(() => streams.every(hasLast));
    return streams.flatMap((stream, i) => {
      const problems: string[] = [];
      try {
        assertWhole(expectedBy(stream), receivedBy(stream), `client ${i}`);
      } catch (error) {
        problems.push((error as Error).message);
      }
      let before = 0;
      for (const { id } of stream.blocks) {
        if (id === undefined) continue;
        const position = parseEventId(id) ?? 0;
        if (position < before) problems.push(`client ${i}: ${id} came after a later position`);
        before = position;
      }
      return problems;
    });
  }

  /** Lets something happen to members of the group, in the tick in which it is given an event. */
  function disturb(random: Random): { disturbances: () => number } {
    let disturbances = 0;
    // oxlint-disable-next-line typescript/unbound-method -- applied below
    const { send } = SocketGroup.prototype;
    jest.spyOn(SocketGroup.prototype, 'send').mockImplementation(function (
      this: SocketGroup,
      channel: string,
      record: EventRecord,
    ) {
      send.call(this, channel, record);
      while (this.size > 0 && random.chance(0.4)) {
        disturbances++;
        const sink = random.pick(this['sinks']) as ResponseSink;
        const subscriber = sink.subscriber as Subscriber;
        const what = random.int(3);
        if (what === 0) subscriber.beat();
        else if (what === 1) subscriber.sendNow('event: note\ndata: x\n\n');
        else {
          // Past the guard, so that it stays in the group, but something is in its socket's queue.
          sink['guard'].originalWrite.call(sink['response'], ': of the handler\n\n');
          return;
        }
      }
    });
    return { disturbances: () => disturbances };
  }

  /** A few rounds of some events each, some of which are too long to be given to all at once. */
  async function rounds(random: Random, count: number): Promise<void> {
    for (let round = 0; round < count; round++) {
      await publish(
        Array.from({ length: 1 + random.int(6) }, () => ({
          channel: random.chance(0.2) ? 'sports' : 'news',
          data: 'x'.repeat(random.chance(0.1) ? 9_000 + random.int(12_000) : random.int(300)),
        })),
      );
    }
  }

  forEachAdapter((adapter) => {
    it(`get all of it once and in order, whatever else one or another is given in the same tick (SEED=${SEED})`, async () => {
      const random = new Random(SEED);
      await start(adapter, 3);
      const { disturbances } = disturb(random);
      const alone = jest.spyOn(ResponseSink.prototype, 'writeAlone');
      await rounds(random, 150);
      expect(await verdict()).toEqual([]);
      expect(disturbances()).toBeGreaterThan(50);
      expect(alone).toHaveBeenCalled();
    });

    it('are given each event with one call, and counted one by one', async () => {
      await start(adapter, 3);
      const alone = jest.spyOn(ResponseSink.prototype, 'event');
      const together = jest.spyOn(SocketGroup.prototype, 'send');
      // The first is written through the response, which knows whether its headers have left.
      await publish([{ data: 'first' }]);
      expect(await verdict()).toEqual([]);
      const before = hub.stats().delivered;
      alone.mockClear();
      for (let i = 0; i < 10; i++) {
        await publish([{ data: i }]);
        expect(await verdict()).toEqual([]);
      }
      expect(alone.mock.calls.length).toBeLessThanOrEqual(CLIENTS);
      expect(together.mock.calls.length).toBeGreaterThanOrEqual(9);
      expect(hub.stats().delivered - before).toBe(10 * CLIENTS);
    });

    it('end with the stream, after its last event', async () => {
      await start(adapter);
      await publish([{ data: 'before' }]);
      await publish([{ data: 'before' }]);
      const items = Array.from({ length: 20 }, (_, i) => `item ${i}`);
      await hub.pipe('news', items);
      for (const stream of streams) {
        expect(await stream.ended).toBe('end');
        expect(stream.messages.map(({ data }) => data).slice(2, -1)).toEqual(items);
        expect(stream.messages.at(-1)).toMatchObject({ type: 'end' });
      }
    });

    it('lose one that closes, and one that does not read', async () => {
      await start(adapter);
      await rounds(new Random(1), 5);
      const [slow] = streams as [SseStream];
      slow.pause();
      const gone = streams.pop()!;
      await gone.close();
      await until(() => hub.stats().connections === CLIENTS - 1);
      const flood = Array.from({ length: 100 }, () => ({ data: 'x'.repeat(1_000) }));
      while (hub.stats().slow === 0) await publish(flood);
      await until(() => streams.slice(1).every(hasLast));
      expect(hasLast(slow)).toBe(false);
      slow.resume();
      expect(await verdict()).toEqual([]);
      // And takes it back.
      const alone = jest.spyOn(ResponseSink.prototype, 'event');
      await publish([{ data: 'one' }]);
      expect(await verdict()).toEqual([]);
      alone.mockClear();
      await publish([{ data: 'two' }]);
      expect(await verdict()).toEqual([]);
      expect(alone).not.toHaveBeenCalled();
    });
  });

  /** Calls `act` once, in the tick in which the group of all clients is given an event. */
  function inTickOfEvent(act: (members: readonly ResponseSink[]) => void): () => boolean {
    let isDone = false;
    // oxlint-disable-next-line typescript/unbound-method -- applied below
    const { send } = SocketGroup.prototype;
    jest.spyOn(SocketGroup.prototype, 'send').mockImplementation(function (
      this: SocketGroup,
      channel: string,
      record: EventRecord,
    ) {
      send.call(this, channel, record);
      if (isDone || this.size < CLIENTS) return;
      isDone = true;
      act([...this['sinks']] as ResponseSink[]);
    });
    return () => isDone;
  }

  it.each([
    ['the handler ends its response', (sink: ResponseSink) => sink['response'].end()],
    ['its connection is ended', (sink: ResponseSink) => (sink.subscriber as Subscriber).end()],
    ['its response is destroyed', (sink: ResponseSink) => sink.destroy()],
  ])('lose one in the tick of an event when %s, and get the rest', async (_how, end) => {
    await start('fastify');
    const over: SseStream[] = [];
    for (const stream of streams) void stream.ended.then(() => over.push(stream));
    const isDone = inTickOfEvent((members) => end(members[3]!));
    for (let i = 0; i < 10; i++) {
      await publish([{ data: i }, { data: i }]);
      if (isDone()) break;
    }
    expect(isDone()).toBe(true);
    await until(() => hub.stats().connections === CLIENTS - 1);
    await until(() => over.length === 1);
    const [gone] = over as [SseStream];
    streams.splice(streams.indexOf(gone), 1);
    expect(receivedBy(gone)).toEqual(expectedBy(gone).slice(0, receivedBy(gone).length));
    await publish([{ data: 'afterwards' }]);
    expect(await verdict()).toEqual([]);
  });

  it('lose one that a subscriber of the server ends while they are given the event', async () => {
    await start('express');
    const joins = jest.spyOn(ResponseSink.prototype, 'join');
    for (let i = 0; i < 3; i++) await publish([{ data: i }]);
    expect(await verdict()).toEqual([]);
    const sink = joins.mock.contexts[3] as ResponseSink;
    const over: SseStream[] = [];
    for (const stream of streams) void stream.ended.then(() => over.push(stream));
    const subscription = hub.events('news').subscribe(() => sink['response'].end());
    for (let i = 0; over.length === 0; i++) await publish([{ data: `while it listens ${i}` }]);
    subscription.unsubscribe();
    streams.splice(streams.indexOf(over[0]!), 1);
    await publish([{ data: 'afterwards' }]);
    expect(await verdict()).toEqual([]);
    expect(over).toHaveLength(1);
  });

  /** Of two events, how many deliveries of the second were not by the group. */
  async function aloneAfterOne(): Promise<number> {
    await publish([{ data: 'one' }]);
    expect(await verdict()).toEqual([]);
    const alone = jest.spyOn(ResponseSink.prototype, 'event');
    await publish([{ data: 'two' }]);
    expect(await verdict()).toEqual([]);
    return alone.mock.calls.length;
  }

  it('are so again after a channel was added, and with one whose stream has ended', async () => {
    await start('fastify', 4);
    await publish([{ data: 'first' }]);
    expect(await verdict()).toEqual([]);
    const { connections } = await running.app.get(SseRegistry).list({ channel: 'news' });
    expect(connections).toHaveLength(CLIENTS);
    for (const { id } of connections) await hub.subscribe(id, 'weather');
    expect(await aloneAfterOne()).toBe(0);
    await hub.pipe('sports', []);
    await until(() => streams.filter(({ messages }) => messages.at(-1)?.type === 'end').length === 4);
    jest.restoreAllMocks();
    expect(await aloneAfterOne()).toBe(0);
  });

  it('are not harmed by one whose socket cannot be written to', async () => {
    await start('express');
    running.app.useLogger(false);
    const isDone = inTickOfEvent((members) => {
      members[3]!['socket']!._write = () => {
        throw new Error('broken on purpose');
      };
    });
    while (!isDone()) await publish([{ data: 'x' }, { data: 'y' }]);
    await until(() => hub.stats().connections === CLIENTS - 1);
    await until(() => streams.filter(hasLast).length === CLIENTS - 1);
    const [gone] = streams.splice(
      streams.findIndex((stream) => !hasLast(stream)),
      1,
    ) as [SseStream];
    expect(await gone.ended).toBe('error');
    await publish([{ data: 'afterwards' }]);
    expect(await verdict()).toEqual([]);
  });

  it('lose those whose sockets do not take a chunk at once, which get it all the same', async () => {
    await start('express');
    const waits = jest.spyOn(ResponseSink.prototype, 'noteWaiting');
    const slow = streams.slice(2, 4);
    for (const stream of slow) stream.pause();
    const quick = streams.filter((stream) => !slow.includes(stream));
    // Each by itself, so that the group is given it, until the kernel has taken all that it takes for both.
    for (let i = 0; waits.mock.calls.length < 2; i++) {
      expect(i).toBeLessThan(2_000);
      // The longest that are: so the kernel is full after the fewest rounds.
      await publish([{ data: 'x'.repeat(16_000) }]);
      await until(() => quick.every(hasLast), { interval: 1 });
    }
    expect(slow.some(hasLast)).toBe(false);
    await publish([{ data: 'behind those that wait' }]);
    for (const stream of slow) stream.resume();
    expect(await verdict()).toEqual([]);
  });

  it('catch up with what was not announced to them', async () => {
    await start('fastify');
    for (let i = 0; i < 3; i++) await publish([{ data: i }]);
    expect(await verdict()).toEqual([]);
    // oxlint-disable-next-line typescript/unbound-method -- applied below
    const { announced } = Feeds.prototype;
    let dropped = 0;
    const together = jest.spyOn(SocketGroup.prototype, 'send');
    jest.spyOn(Feeds.prototype, 'announced').mockImplementation(function (this: Feeds, channel, record) {
      if (dropped++ > 0) announced.call(this, channel, record);
    });
    await publish([{ data: 'dropped' }]);
    await until(() => dropped === 1);
    expect(together).not.toHaveBeenCalled();
    await publish([{ data: 'tells of it' }]);
    expect(await verdict()).toEqual([]);
  });

  it('keeps nothing of clients that have gone without another event', async () => {
    await start('fastify');
    const send = jest.spyOn(SocketGroup.prototype, 'send');
    const lastGroup = () => send.mock.contexts.at(-1) as SocketGroup | undefined;
    // A client joins when it has nothing else to write.
    await until(async () => {
      await publish([{ data: 'x' }]);
      expect(await verdict()).toEqual([]);
      return lastGroup()?.size === CLIENTS;
    });
    const group = lastGroup()!;
    await Promise.all(streams.splice(1).map((stream) => stream.close()));
    await until(() => hub.stats().connections === 1);
    expect(group['left']).toEqual([]);
    expect(group.size).toBe(1);
  });

  describe('negative controls', () => {
    async function wrongs(): Promise<string[]> {
      const random = new Random(1);
      await start('fastify', 3);
      disturb(random);
      await rounds(random, 40);
      jest.restoreAllMocks();
      await publish([{ data: 'the last, which all get' }]);
      return verdict();
    }

    it('events are lost where a sink that leaves does not write the frames of its group', async () => {
      const sinks = FrameWriter.prototype as unknown as { leave(group: SocketGroup): void };
      jest.spyOn(sinks, 'leave').mockImplementation(function (this: typeof sinks, group) {
        const sink = this as unknown as ResponseSink;
        sink['leftAt'] = group.position;
        sink['group'] = undefined;
        group.remove(sink);
      });
      expect((await wrongs()).join('\n')).toMatch(/missing|lost/i);
    });

    it('an older position is sent where a subscriber that leaves does not take that of its group', async () => {
      // oxlint-disable-next-line typescript/unbound-method -- applied below
      const { leaveGroup } = FrameWriter.prototype;
      jest.spyOn(FrameWriter.prototype, 'leaveGroup').mockImplementation(function (this: FrameWriter) {
        leaveGroup.call(this);
        return 0;
      });
      expect((await wrongs()).join('\n')).toMatch(/came after a later position/);
    });

    it('a sink that has left by itself misses events where its subscriber is not asked back', async () => {
      jest.spyOn(SocketGroup.prototype, 'takeLeft').mockReturnValue([]);
      await start('express');
      for (let i = 0; i < 3; i++) await publish([{ data: i }]);
      expect(await verdict()).toEqual([]);
      const isDone = inTickOfEvent((members) => members[3]!.stepOut());
      while (!isDone()) await publish([{ data: 'x' }, { data: 'y' }]);
      await publish([{ data: 'afterwards' }]);
      await until(() => streams.filter(hasLast).length === CLIENTS - 1);
      const { messages } = streams.find((stream) => !hasLast(stream))!;
      expect(messages.some(({ data }) => data === 'afterwards')).toBe(false);
    });
  });
});
