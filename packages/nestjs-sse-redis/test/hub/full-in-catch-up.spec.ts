import { until } from '@nestjs-sse-redis/testing';
import type { EventRecord } from '../../src/event/event-record.js';
import { parseEventId } from '../../src/event/position.js';
import { MAX_TIMER } from '../../src/options/resolved-options.js';
import type { Subscriber } from '../../src/delivery/subscriber.js';
import type { EventSink, EventSinkListener } from '../../src/delivery/event-sink.js';
import { brokers, Hubs } from './hubs.js';
import { auditNow, loseNext } from './lossy.js';

/** A client that takes so many events, and then none until it is told to. */
class SlowSink implements EventSink {
  subscriber: EventSinkListener | undefined;
  readonly got: string[] = [];
  room = Infinity;

  event(channel: string, { position }: EventRecord): boolean {
    this.got.push(`${channel}:${position}`);
    return --this.room > 0;
  }

  late(channel: string, record: EventRecord): boolean {
    return this.event(channel, record);
  }

  gap({ channel }: { readonly channel: string }): boolean {
    this.got.push(`gap:${channel}`);
    return true;
  }

  open = () => true;
  position = () => true;
  message = () => true;
  map = () => true;
  join = () => false;
  leaveGroup = () => 0;
  mayEnd = () => true;
  end(): void {}
}

/** Of the shard of `a`. */
const B = '{a}b';

describe.each(brokers)('a client that becomes full while memory brings it up, over $broker', ({ broker }) => {
  const hubs = Hubs.over(broker);

  it.each([
    { memory: 'that still covers the rest', events: 0 },
    { memory: 'that has gone on meanwhile', events: 160 },
  ])('gets an event whose announcement was lost, with a memory $memory', async ({ events }) => {
    const { hub } = await hubs.start({
      probeInterval: 500,
      auditInterval: MAX_TIMER,
      history: { ttl: 3 * MAX_TIMER, maxLength: 100_000 },
    });
    const { subscribers, feeds } = hub['node'].shards.of('a');
    const sink = new SlowSink();
    let opened: Subscriber | undefined;
    const close = subscribers.open(['a', B], {}, sink, {
      failed: (error) => sink.got.push(String(error)),
      opened: (connection) => (opened = connection as Subscriber),
    });
    hubs.closeLater(close);
    await until(() => opened?.isLive === true);
    const connection = opened!;
    const first = await hub.publish(B, { data: 1 });
    await until(() => sink.got.length === 1);

    sink.room = 1;
    await hub.publish('a', { data: 'fills it' });
    await until(() => connection.isFull);
    const lost = loseNext(hub, B);
    const second = await hub.publish(B, { data: 2 });
    await lost;
    for (let i = 0; i < 5; i++) await hub.publish('a', { data: i });
    await until(() => feeds.link.lastAnnounced > parseEventId(second.id)!);

    sink.room = 3;
    connection.drained();
    await until(() => connection.isFull && sink.got.length === 5);
    for (let i = 0; i < events; i++) await hub.publish('a', { data: 'x'.repeat(32_000) });
    sink.room = Infinity;
    connection.drained();
    await until(() => connection.isLive);
    const third = await hub.publish(B, { data: 3 });
    await auditNow(hub);
    const published = [first, second, third].map(({ id }) => `${B}:${parseEventId(id)}`);
    await until(() => published.every((event) => sink.got.includes(event)));
    expect(sink.got.filter((what) => !what.startsWith('a:')).toSorted()).toEqual(published.toSorted());
  });
});
