import { encodeRecord, parseRecord } from '../../src/event/event-record.js';
import { HubCounters } from '../../src/delivery/hub-counters.js';
import { SocketGroup } from '../../src/response/socket-group.js';
import { Feed } from '../../src/delivery/feed.js';
import { formatEventId } from '../../src/event/position.js';
import { EventRing } from '../../src/delivery/event-ring.js';

const eventAt = (position: number, prev: number) =>
  parseRecord(encodeRecord(position, prev, { kind: 't', text: 'data: x\n\n' }, false));

/** A position comes over one connection, announcements over another: either may overtake the other. */
describe('a feed whose position is known before all announcements before it have arrived', () => {
  let feed: Feed;

  beforeEach(() => {
    feed = new Feed(
      'news',
      { up: true, watermark: 0, lastAnnounced: 0, lastAssigned: 0, toId: formatEventId, mostOwed: 256 },
      new HubCounters(),
      new EventRing(1_048_576),
      () => new SocketGroup(),
    );
  });

  it('takes those that arrive later, where one arrived before', () => {
    feed.receive(eventAt(2_000, 1_000));
    feed.ready(5_000);
    feed.receive(eventAt(3_000, 2_000));
    feed.receive(eventAt(6_000, 3_000));
    expect(feed.covers(1_000)).toBe(true);
    expect(feed.eventsAfter(1_000).map(({ position }) => position)).toEqual([2_000, 3_000, 6_000]);
  });

  it('takes those between two positions', () => {
    feed.ready(1_000);
    feed.ready(5_000);
    feed.receive(eventAt(3_000, 900));
    feed.receive(eventAt(6_000, 3_000));
    expect(feed.covers(1_000)).toBe(true);
    expect(feed.eventsAfter(1_000).map(({ position }) => position)).toEqual([3_000, 6_000]);
  });

  it('claims nothing from before the position, where none arrived before', () => {
    feed.ready(5_000);
    feed.receive(eventAt(3_000, 900));
    feed.receive(eventAt(6_000, 3_000));
    expect(feed.covers(4_999)).toBe(false);
    expect(feed.eventsAfter(5_000).map(({ position }) => position)).toEqual([6_000]);
  });
});
