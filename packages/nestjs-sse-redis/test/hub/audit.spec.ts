import { jest } from '@jest/globals';
import { until } from '@nestjs-sse-redis/testing';
import { setImmediate as turn } from 'node:timers/promises';
import type { BrokerListener } from '../../src/broker/broker.interface.js';
import { MemoryBroker } from '../../src/broker/memory/memory-broker.js';
import type { EventRecord } from '../../src/event/event-record.js';
import { Audit } from '../../src/delivery/losses/audit.js';
import { Feeds } from '../../src/delivery/feeds.js';
import { HubCounters } from '../../src/delivery/hub-counters.js';
import { SocketGroup } from '../../src/response/socket-group.js';
import type { Loss } from '../../src/delivery/losses/loss.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import { publication, publishAll } from '../broker/broker-set-ups.js';

const INTERVAL = 60;
const options = resolveOptions({ probeInterval: 10, heartbeatInterval: 100 });

/** Its announcements wait until they are let go, and it counts what it is asked. */
class SlowBroker extends MemoryBroker {
  readonly onTheirWay: (() => void)[] = [];
  holding = false;
  asked = 0;
  failing = false;

  override start(listener: BrokerListener): Promise<string> {
    const give = (deliver: () => void) => {
      if (this.holding) this.onTheirWay.push(deliver);
      else deliver();
    };
    return super.start({
      announced: (channel: string, record: EventRecord) => give(() => listener.announced(channel, record)),
      // As on one connection, behind them.
      watermark: (position) => give(() => listener.watermark(position)),
      message: () => undefined,
      linkLost: () => undefined,
      linkRestored: () => undefined,
    });
  }

  override extents(ranges: Parameters<MemoryBroker['extents']>[0]): ReturnType<MemoryBroker['extents']> {
    this.asked++;
    return this.failing ? Promise.reject(new Error('away')) : super.extents(ranges);
  }

  letGo(): void {
    this.holding = false;
    for (const deliver of this.onTheirWay.splice(0)) deliver();
  }
}

let broker: SlowBroker;
let feeds: Feeds;
let audit: Audit;
let losses: Loss[];

beforeEach(async () => {
  broker = new SlowBroker(options, 'node');
  feeds = new Feeds(broker, new HubCounters(), () => new SocketGroup());
  losses = [];
  audit = new Audit(broker, feeds, INTERVAL, (found) => losses.push(...found));
  feeds.link.up = true;
  await broker.start({
    announced: (channel, record) => feeds.announced(channel, record),
    watermark: (position) => feeds.watermark(position),
    message: () => undefined,
    linkLost: () => undefined,
    linkRestored: () => undefined,
  });
});
afterEach(async () => {
  await audit.finish();
  await broker.close();
});

/** Where the losses begin, in their order. */
const firsts = () => losses.map(({ first }) => first).toSorted((a, b) => a - b);

/** Rounds go by, each of which looks at every channel. */
async function rounds(count: number): Promise<void> {
  const { asked } = broker;
  await until(() => broker.asked >= asked + count);
  await turn();
}

/** An announcement is lost, and the link goes on. */
async function lose(channel: string): Promise<number> {
  const announced = feeds.announced.bind(feeds);
  feeds.announced = () => undefined;
  const [position] = await publishAll(broker, publication(channel, 'lost'));
  await turn();
  feeds.announced = announced;
  return position!;
}

it('asks nothing while no channel is subscribed', async () => {
  audit.start();
  const marks = feeds.link.watermark;
  await until(() => feeds.link.watermark > marks + 3 * INTERVAL * 1_024);
  expect(broker.asked).toBe(0);
});

it('finds what was lost between the last event announced and what the link has proved', async () => {
  const {
    feeds: [feed],
  } = await feeds.acquire(['a']);
  const [before] = await publishAll(broker, publication('a', 1));
  await until(() => feed!.lastAnnounced === before);
  const position = await lose('a');
  audit.start();
  await until(() => losses.length > 0);
  expect(losses).toEqual([
    { channel: 'a', after: before, first: position, last: position, until: expect.any(Number) as number },
  ]);
  expect(losses[0]!.until).toBeGreaterThan(position);
  expect(feed!.lastAnnounced).toBe(position);
  await rounds(3);
  expect(losses).toHaveLength(1);
});

describe('announcements that are on their way', () => {
  async function delayed(): Promise<void> {
    await feeds.acquire(['a']);
    await publishAll(broker, publication('a', 1));
    await until(() => feeds.link.lastAnnounced > 0);
    broker.holding = true;
    await publishAll(broker, publication('a', 2));
    audit.start();
  }

  it('are not taken for lost, however long they are', async () => {
    await delayed();
    const { lastAnnounced: heard } = feeds.link;
    await until(() => broker.onTheirWay.length > 20);
    expect(losses).toEqual([]);
    broker.letGo();
    await until(() => feeds.link.lastAnnounced > heard);
    await rounds(3);
    expect(losses).toEqual([]);
  });

  it('are taken for lost when the link has proved them to be (negative control)', async () => {
    await delayed();
    // A watermark that overtakes them: it cannot, on one connection.
    feeds.watermark(await broker.position());
    await until(() => losses.length === 1);
  });
});

it('looks once more at a channel that is left', async () => {
  const {
    feeds: [feed],
  } = await feeds.acquire(['a']);
  const position = await lose('a');
  await until(() => feeds.link.lastAnnounced > position);
  feeds.release(feed!);
  const { lastAnnounced: heard } = feeds.link;
  // After that it is none of this node's business.
  await publishAll(broker, publication('a', 'later'));
  audit.start();
  await until(() => losses.length > 0);
  expect(losses).toMatchObject([{ channel: 'a', first: position, last: position, until: heard + 1 }]);
  await until(() => feeds.link.lastAnnounced > heard + 3 * INTERVAL * 1_024);
  expect(losses).toHaveLength(1);
});

it('looks once more at the channels of a link that is lost', async () => {
  await feeds.acquire(['a', 'b']);
  const position = await lose('a');
  await until(() => feeds.link.lastAnnounced > position);
  const { lastAnnounced: heard } = feeds.link;
  feeds.linkLost();
  // What comes while the link is down is not announced, and not lost.
  await publishAll(broker, publication('b', 'meanwhile'));
  feeds.linkRestored(await broker.position());
  audit.start();
  await until(() => losses.length > 0);
  await rounds(3);
  expect(losses).toMatchObject([{ channel: 'a', first: position, until: heard + 1 }]);
});

it('keeps what is to be looked at while Redis does not answer', async () => {
  const {
    feeds: [feed],
  } = await feeds.acquire(['a']);
  const position = await lose('a');
  await until(() => feeds.link.lastAnnounced > position);
  feeds.release(feed!);
  broker.failing = true;
  audit.start();
  await rounds(3);
  expect(losses).toEqual([]);
  broker.failing = false;
  await until(() => losses.length === 1);
});

it('takes nothing for lost while commands lead to another line than the link', async () => {
  const {
    feeds: [feed],
  } = await feeds.acquire(['a']);
  const [before] = await publishAll(broker, publication('a', 1));
  await until(() => feed!.lastAnnounced === before);
  await lose('a');
  const elsewhere = jest.spyOn(feeds.lines, 'isLinkElsewhere', 'get').mockReturnValue(true);
  audit.start();
  await rounds(3);
  expect(losses).toEqual([]);
  elsewhere.mockRestore();
  await until(() => losses.length > 0);
});

it('looks at everything at the end', async () => {
  const {
    feeds: [a],
  } = await feeds.acquire(['a', 'b']);
  const left = await lose('a');
  const held = await lose('b');
  await until(() => feeds.link.lastAnnounced > held);
  feeds.release(a!);
  await audit.finish();
  expect(firsts()).toEqual([left, held]);
});

it('is told of a loss by the next announcement, and finds where it begins', async () => {
  const {
    feeds: [feed],
  } = await feeds.acquire(['a']);
  const [before] = await publishAll(broker, publication('a', 1));
  await until(() => feed!.lastAnnounced === before);
  const first = await lose('a');
  const last = await lose('a');
  const [next] = await publishAll(broker, publication('a', 4));
  await until(() => losses.length > 0);
  expect(losses).toEqual([{ channel: 'a', after: before, first, last, until: next }]);
});

it('looks at every channel in each round, however many there are', async () => {
  const channels = Array.from({ length: 1_000 }, (_, i) => `channel:${i}`);
  await feeds.acquire(channels);
  const positions = [];
  for (const channel of ['channel:0', 'channel:500', 'channel:999']) positions.push(await lose(channel));
  audit.start();
  await until(() => losses.length === 3);
  expect(firsts()).toEqual(positions);
  // Spread: a call for each hundred.
  expect(broker.asked).toBeGreaterThanOrEqual(10);
});

describe('channels that come and go faster than a step looks at them', () => {
  const STAYING = Array.from({ length: 50 }, (_, i) => `stays:${i}`);
  const GOING_PER_STEP = 150;
  const STEPS = 90;
  /** A third of a round: a step that is planned by the feeds of a round's beginning comes once a round. */
  const STEP_MS = INTERVAL / 9;

  it('are looked at, as are those that stay, within the interval', async () => {
    await feeds.acquire(STAYING);
    const ranges: number[] = [];
    jest.spyOn(broker, 'extents').mockImplementation((asked) => {
      ranges.push(asked.filter(({ channel }) => channel.startsWith('gone:')).length);
      return Promise.resolve(asked.map(() => undefined));
    });
    const looked = jest.spyOn(feeds, 'announcedRange');
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    try {
      audit.start();
      for (let step = 0; step < STEPS; step++) {
        for (let i = 0; i < GOING_PER_STEP; i++)
          feeds.onForgotten({ channel: `gone:${step}:${i}`, after: 1, upTo: 2 });
        jest.advanceTimersByTime(STEP_MS);
      }
      const asked = ranges.reduce((sum, count) => sum + count, 0);
      // What came within the last interval may still wait.
      expect(asked).toBeGreaterThanOrEqual((STEPS - 9) * GOING_PER_STEP);
      const looks = looked.mock.calls.filter(([{ channel }]) => channel.startsWith('stays:')).length;
      expect(looks).toBeGreaterThanOrEqual((STEPS / 9 - 1) * STAYING.length);
    } finally {
      jest.useRealTimers();
    }
  });
});

/** Longer than its steps are many: a timer waits for a millisecond at least. */
const LONG_INTERVAL = 60_000;

/** @returns the channels of ranges that Redis is asked about within the interval, by steps */
function askedWithinInterval(count: number): string[][] {
  const asked: string[][] = [];
  jest.spyOn(broker, 'extents').mockImplementation((ranges) => {
    asked.push(ranges.map(({ channel }) => channel));
    return Promise.resolve(ranges.map(() => undefined));
  });
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  try {
    new Audit(broker, feeds, LONG_INTERVAL, () => undefined).start();
    for (let i = 0; i < count; i++) feeds.onForgotten({ channel: `gone:${i}`, after: 1, upTo: 2 });
    jest.advanceTimersByTime(LONG_INTERVAL);
    // No step comes behind the test.
    jest.clearAllTimers();
  } finally {
    jest.useRealTimers();
  }
  return asked;
}

it('looks at a few channels that were left within the interval, however many channels stay', async () => {
  await feeds.acquire(Array.from({ length: 9_970 }, (_, i) => `stays:${i}`));
  expect(askedWithinInterval(20).flat()).toHaveLength(20);
});

it('looks at many channels that were left together within the interval, spread over it', async () => {
  await feeds.acquire(['stays']);
  const asked = askedWithinInterval(20_000);
  expect(new Set(asked.flat()).size).toBe(20_000);
  expect(Math.max(...asked.map(({ length }) => length))).toBeLessThanOrEqual(101);
});

it('looks at channels that stay, where a fork has taken the ranges for which a round had room', async () => {
  await feeds.acquire(['stays']);
  const looked = jest.spyOn(feeds, 'announcedRange');
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  try {
    const slow = new Audit(broker, feeds, LONG_INTERVAL, () => undefined);
    slow.start();
    for (let i = 0; i < 1_000; i++) feeds.onForgotten({ channel: `gone:${i}`, after: 2, upTo: 3 });
    jest.advanceTimersByTime(LONG_INTERVAL / 3);
    slow.forkedAt(1);
    const before = looked.mock.calls.length;
    jest.advanceTimersByTime(LONG_INTERVAL);
    expect(looked.mock.calls.length - before).toBeGreaterThanOrEqual(2);
    jest.clearAllTimers();
  } finally {
    jest.useRealTimers();
  }
});

it('asks once a round while Redis is away, however many ranges wait, and for all of them within the interval when it is back', async () => {
  broker.failing = true;
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  try {
    new Audit(broker, feeds, LONG_INTERVAL, () => undefined).start();
    for (let i = 0; i < 20_000; i++) feeds.onForgotten({ channel: `gone:${i}`, after: 1, upTo: 2 });
    await jest.advanceTimersByTimeAsync(LONG_INTERVAL);
    expect(broker.asked).toBeLessThanOrEqual(4);
    const asked = new Set<string>();
    jest.spyOn(broker, 'extents').mockImplementation((ranges) => {
      for (const { channel } of ranges) asked.add(channel);
      return Promise.resolve(ranges.map(() => undefined));
    });
    await jest.advanceTimersByTimeAsync(LONG_INTERVAL);
    expect(asked.size).toBe(20_000);
    jest.clearAllTimers();
  } finally {
    jest.useRealTimers();
  }
});
