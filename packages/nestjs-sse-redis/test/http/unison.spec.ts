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
import { SseHub, type ChannelEventInput } from 'nestjs-sse-redis';
import type { EventRecord } from '../../src/event/event-record.js';
import { parseEventId } from '../../src/event/position.js';
import { Connection } from '../../src/hub/connection.js';
import { ResponseOutlet } from '../../src/http/response-outlet.js';
import { ResponseUnison } from '../../src/http/response-unison.js';
import { newsModule } from './news.app.js';

const CLIENTS = 8;

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
    running = await startApp(newsModule({ prefix: randomUUID(), redis: redis.url }), adapter);
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
        const position = id === undefined ? 0 : (parseEventId(id) ?? 0);
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
        const { connection } = random.pick(this['members']) as ResponseOutlet;
        if (random.chance(0.5)) (connection as Connection).beat();
        else (connection as Connection).tell('event: note\ndata: x\n\n');
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
    it('get all of it once and in order, whatever else one or another is given in the same tick', async () => {
      const random = new Random();
      await start(adapter, 3);
      const { disturbances } = disturb(random);
      await rounds(random, 150);
      expect(await verdict()).toEqual([]);
      expect(disturbances()).toBeGreaterThan(50);
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
      const random = new Random();
      await rounds(random, 5);
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
