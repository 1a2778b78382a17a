import {
  assertWhole,
  forEachAdapter,
  Random,
  RedisServer,
  SseStream,
  startApp,
  until,
  type AdapterName,
  type RunningApp,
} from '@nestjs-sse-redis/testing';
import { jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { SseHub, SseRegistry, type ChannelEventInput } from 'nestjs-sse-redis';
import type { EventRecord } from '../../src/event/event-record.js';
import { parseEventId } from '../../src/event/position.js';
import { Connection } from '../../src/hub/connection.js';
import { Feeds } from '../../src/hub/feeds.js';
import { ResponseOutlet } from '../../src/http/response-outlet.js';
import { ResponseUnison } from '../../src/http/response-unison.js';
import { newsModule, NO_HEARTBEATS } from './news.app.js';

const CLIENTS = 8;
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

let redis: RedisServer;
beforeAll(async () => {
  redis = await RedisServer.start();
});
afterAll(() => redis.stop());

describe('connections that are given the same', () => {
  let running: RunningApp;
  let hub: SseHub;
  let streams: SseStream[];
  const published: { id: string; channel: string }[] = [];

  /** @param both how many of the clients are on a second channel, too */
  async function start(adapter: AdapterName, both = 0): Promise<void> {
    const options = { prefix: randomUUID(), redis: redis.url, ...NO_HEARTBEATS };
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

  /** Lets something happen to members of the unison, in the tick in which it is given an event. */
  function disturb(random: Random): { disturbances: () => number } {
    let disturbances = 0;
    // oxlint-disable-next-line typescript/unbound-method -- applied below
    const { event } = ResponseUnison.prototype;
    jest.spyOn(ResponseUnison.prototype, 'event').mockImplementation(function (
      this: ResponseUnison,
      record: EventRecord,
    ) {
      event.call(this, record);
      while (this.size > 0 && random.chance(0.4)) {
        disturbances++;
        const outlet = random.pick(this['members']) as ResponseOutlet;
        const connection = outlet.connection as Connection;
        const what = random.int(3);
        if (what === 0) connection.beat();
        else if (what === 1) connection.tell('event: note\ndata: x\n\n');
        else {
          // Past the guard, so that it stays in the unison, but something is in its socket's queue.
          outlet['guard'].originalWrite.call(outlet['response'], ': of the handler\n\n');
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
      const alone = jest.spyOn(ResponseOutlet.prototype, 'writeAlone');
      await rounds(random, 150);
      expect(await verdict()).toEqual([]);
      expect(disturbances()).toBeGreaterThan(50);
      expect(alone).toHaveBeenCalled();
    });

    it('are given each event with one call, and counted one by one', async () => {
      await start(adapter, 3);
      const alone = jest.spyOn(ResponseOutlet.prototype, 'event');
      const together = jest.spyOn(ResponseUnison.prototype, 'event');
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

    it('all end with the stream, after its last event', async () => {
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
      const alone = jest.spyOn(ResponseOutlet.prototype, 'event');
      await publish([{ data: 'one' }]);
      expect(await verdict()).toEqual([]);
      alone.mockClear();
      await publish([{ data: 'two' }]);
      expect(await verdict()).toEqual([]);
      expect(alone).not.toHaveBeenCalled();
    });
  });

  /** Calls `act` once, in the tick in which a unison of all clients is given an event. */
  function inTickOfEvent(act: (members: readonly ResponseOutlet[]) => void): () => boolean {
    let isDone = false;
    // oxlint-disable-next-line typescript/unbound-method -- applied below
    const { event } = ResponseUnison.prototype;
    jest.spyOn(ResponseUnison.prototype, 'event').mockImplementation(function (
      this: ResponseUnison,
      record: EventRecord,
    ) {
      event.call(this, record);
      if (isDone || this.size < CLIENTS) return;
      isDone = true;
      act([...this['members']] as ResponseOutlet[]);
    });
    return () => isDone;
  }

  it.each([
    ['the handler ends its response', (outlet: ResponseOutlet) => outlet['response'].end()],
    ['its connection is ended', (outlet: ResponseOutlet) => (outlet.connection as Connection).end()],
    ['its response is destroyed', (outlet: ResponseOutlet) => outlet.destroy()],
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
    const joins = jest.spyOn(ResponseOutlet.prototype, 'join');
    for (let i = 0; i < 3; i++) await publish([{ data: i }]);
    expect(await verdict()).toEqual([]);
    const outlet = joins.mock.contexts[3] as ResponseOutlet;
    const over: SseStream[] = [];
    for (const stream of streams) void stream.ended.then(() => over.push(stream));
    const subscription = hub.events('news').subscribe(() => outlet['response'].end());
    for (let i = 0; over.length === 0; i++) await publish([{ data: `while it listens ${i}` }]);
    subscription.unsubscribe();
    streams.splice(streams.indexOf(over[0]!), 1);
    await publish([{ data: 'afterwards' }]);
    expect(await verdict()).toEqual([]);
    expect(over).toHaveLength(1);
  });

  /** Of two events, how many deliveries of the second were not in unison. */
  async function aloneAfterOne(): Promise<number> {
    await publish([{ data: 'one' }]);
    expect(await verdict()).toEqual([]);
    const alone = jest.spyOn(ResponseOutlet.prototype, 'event');
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
    const waits = jest.spyOn(ResponseOutlet.prototype, 'waits');
    const slow = streams.slice(2, 4);
    for (const stream of slow) stream.pause();
    const quick = streams.filter((stream) => !slow.includes(stream));
    // Each by itself, so that it is given to the unison, until the kernel has taken all that it takes for both.
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
    const together = jest.spyOn(ResponseUnison.prototype, 'event');
    jest.spyOn(Feeds.prototype, 'announced').mockImplementation(function (this: Feeds, channel, record) {
      if (dropped++ > 0) announced.call(this, channel, record);
    });
    await publish([{ data: 'dropped' }]);
    await until(() => dropped === 1);
    expect(together).not.toHaveBeenCalled();
    await publish([{ data: 'tells of it' }]);
    expect(await verdict()).toEqual([]);
  });

  describe('would get it wrong', () => {
    async function wrongs(): Promise<string[]> {
      const random = new Random(1);
      await start('fastify', 3);
      disturb(random);
      await rounds(random, 40);
      jest.restoreAllMocks();
      await publish([{ data: 'the last, which all get' }]);
      return verdict();
    }

    it('if who leaves did not write what was given to all (the twin)', async () => {
      jest.spyOn(ResponseOutlet.prototype, 'leave').mockImplementation(function (this: ResponseOutlet) {
        this.unison?.remove(this);
        this.unison = undefined;
      });
      expect((await wrongs()).join('\n')).toMatch(/missing|lost/i);
    });

    it('if a connection did not take the position of its unison when it leaves (the twin)', async () => {
      // oxlint-disable-next-line typescript/unbound-method -- applied below
      const { part } = Connection.prototype;
      jest.spyOn(Connection.prototype, 'part').mockImplementation(function (this: Connection) {
        const { unison } = this['outlet'];
        if (unison) (unison as ResponseUnison).position = 0;
        part.call(this);
      });
      expect((await wrongs()).join('\n')).toMatch(/came after a later position/);
    });
  });
});
