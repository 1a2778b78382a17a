import { jest } from '@jest/globals';
import { Random } from '@nestjs-sse-redis/testing';
import type { EventRecord } from '../../src/event/event-record.js';
import { EventRing, NOWHERE, type Place } from '../../src/delivery/event-ring.js';
import { HubCounters } from '../../src/delivery/hub-counters.js';
import { SocketGroup } from '../../src/response/socket-group.js';
import { Feed } from '../../src/delivery/feed.js';
import { formatEventId } from '../../src/event/position.js';
import { RecentEvents } from '../../src/delivery/recent-events.js';

const SIZE = 4096;
/** More than an event takes besides its frame. */
const OVERHEAD = 40;
const START = 1000;
const LARGEST = 1200;

function eventOf(position: number, prev: number, length: number): EventRecord {
  const kind = (['j', 't', 'x'] as const)[position % 3]!;
  const frame = Buffer.from(`${position} `.padEnd(length, 'x'));
  return { position, prev, kind, first: position % 5 === 0, ephemeral: false, frame };
}

const recordsAfter = (recent: RecentEvents, position: number) =>
  recent.after(position).map(({ record }) => record);

/** A channel's recent events, beside the list of all that it was given since it was cleared. */
class Channel {
  readonly recent: RecentEvents;
  private given: EventRecord[] = [];
  from = START;
  private last = START;

  constructor(ring: EventRing) {
    this.recent = new RecentEvents(ring);
    this.recent.beginAfter(START);
  }

  add(position: number, length: number): EventRecord {
    const record = eventOf(position, this.last, length);
    this.last = position;
    this.recent.add(record);
    this.given.push(record);
    return record;
  }

  clear(position: number): void {
    this.recent.clear(position);
    this.given = [];
    this.from = this.last = position;
  }

  /** As when a log was read that has what the ring no longer has. Returns whether there was anything. */
  extendBack(): boolean {
    const { from } = this.recent;
    if (from <= this.from) return false;
    this.recent.extendBack(
      this.from,
      this.given.filter(({ position }) => position <= from),
    );
    return true;
  }

  /** What it covers it has whole, and as it was given; what it has are the newest that it was given. */
  verify(position: number): void {
    const newer = this.given.filter((record) => record.position > position);
    const held = recordsAfter(this.recent, position);
    expect(held).toEqual(newer.slice(newer.length - held.length));
    const covered = this.recent.covers(position);
    expect(covered && (position < this.from || held.length < newer.length)).toBe(false);
    const { from } = this.recent;
    expect(covered).toBe(position >= from);
    expect(this.recent.covers(from - 1)).toBe(false);
  }
}

describe('recent events of many channels in one ring', () => {
  it.each([1, 2, 3, 4])('are whole where they are covered, and those that fit are (seed %i)', (seed) => {
    const random = new Random(seed);
    const ring = new EventRing(SIZE);
    const channels = Array.from({ length: 6 }, () => new Channel(ring));
    /** The newest, in whatever channel. */
    let newest: { channel: Channel; record: EventRecord }[] = [];
    let position = START;
    let extended = 0;
    const uncovered: number[] = [];
    for (let step = 0; step < 800; step++) {
      position += 1 + random.int(3);
      // One of them seldom: the others go over all that it has.
      const channel = channels[random.chance(0.02) ? 0 : 1 + random.int(5)]!;
      const dice = random.int(100);
      if (dice < 3) channel.clear(position);
      else if (dice < 4) {
        channel.add(position, SIZE);
        expect(channel.recent.from).toBe(position); // larger than the ring: it is not held, but nor is anything of others lost
        channel.clear(position);
      } else if (dice < 8) {
        if (channel.extendBack()) {
          extended++;
          newest = [];
        }
      } else newest.push({ channel, record: channel.add(position, random.int(dice < 12 ? LARGEST : 200)) });

      channel.verify(position - random.int(random.chance(0.5) ? 30 : 1000));
      channels[0]!.verify(position - random.int(1000));
      // What is passed over at the ring's end is at most as large as an event.
      for (let bytes = LARGEST + OVERHEAD, i = newest.length - 1; i >= 0; i--) {
        const { channel: of, record } = newest[i]!;
        bytes += record.frame.length + OVERHEAD;
        if (bytes > SIZE) {
          newest = newest.slice(i + 1);
          break;
        }
        // Not by `expect`, which takes longer than all else here.
        if (record.prev >= of.from && !of.recent.covers(record.prev)) uncovered.push(record.position);
      }
    }
    expect(uncovered).toEqual([]);
    expect(extended).toBeGreaterThan(5);
  });

  const fill = (channel: RecentEvents, count: number) => {
    for (let i = 1; i <= count; i++) channel.add(eventOf(START + i, START + i - 1, 400));
  };
  const oneEvent = (ring: EventRing) => {
    const channel = new RecentEvents(ring);
    channel.beginAfter(START);
    channel.add(eventOf(START + 1, START, 400));
    return channel;
  };

  it('are never those of another channel, whose events went over them', () => {
    const ring = new EventRing(SIZE);
    const channel = oneEvent(ring);
    fill(new RecentEvents(ring), 9);
    expect(channel.covers(START)).toBe(false);
    expect(channel.covers(START + 1)).toBe(true);
    expect(channel.after(START)).toEqual([]);
  });

  it('twin: they would be, if nobody looked whether they are still there', () => {
    class Careless extends EventRing {
      override holds(place: Place): boolean {
        return place !== NOWHERE;
      }
    }
    const ring = new Careless(SIZE);
    const channel = oneEvent(ring);
    fill(new RecentEvents(ring), 9);
    expect(channel.after(START)).toHaveLength(9);
  });

  it('are the same for all who take them in a turn, and what was taken stays as it is', async () => {
    const ring = new EventRing(SIZE);
    const channel = oneEvent(ring);
    const [taken] = recordsAfter(channel, START);
    expect(recordsAfter(channel, START)[0]).toBe(taken);
    await new Promise((resolve) => setImmediate(resolve));
    // One copy for each client that is behind, but not one for good.
    expect(recordsAfter(channel, START)[0]).not.toBe(taken);
    fill(new RecentEvents(ring), 10);
    expect(taken).toEqual(eventOf(START + 1, START, 400));
  });

  it('are copied out only for who takes them: a slow client takes a few of many, again and again', () => {
    const copied = jest.spyOn(EventRing.prototype, 'recordAt');
    const channel = new RecentEvents(new EventRing(1_048_576));
    channel.beginAfter(START);
    fill(channel, 1000);
    const events = channel.after(START);
    expect(events).toHaveLength(1000);
    expect(copied).not.toHaveBeenCalled();
    expect(events.slice(0, 3).map(({ record }) => record.position)).toEqual([1, 2, 3].map((i) => START + i));
    expect(copied).toHaveBeenCalledTimes(3);
    copied.mockRestore();
  });

  it('are looked through no further back than is asked: a client that comes back asks for the last few', () => {
    const feed = new Feed(
      'news',
      { up: true, watermark: 0, lastAnnounced: 0, lastAssigned: 0, toId: formatEventId, mostOwed: 256 },
      new HubCounters(),
      new EventRing(1_048_576),
      () => new SocketGroup(),
    );
    feed.ready(START);
    for (let i = 1; i <= 1000; i++) feed.receive(eventOf(START + i, START + i - 1, 400));
    const looked = jest.spyOn(EventRing.prototype, 'positionAt');
    expect(feed.covers(START + 998)).toBe(true);
    expect(looked).toHaveBeenCalledTimes(3);
    looked.mockRestore();
  });

  it('cannot be taken once they were written over', () => {
    const ring = new EventRing(SIZE);
    const [event] = oneEvent(ring).after(START);
    fill(new RecentEvents(ring), 10);
    expect(() => event?.record).toThrow('written over');
  });
});
