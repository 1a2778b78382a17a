import { until } from '@nestjs-sse-redis/testing';
import { setImmediate as turn } from 'node:timers/promises';
import type { BrokerListener, LogSlice, ReadLimits, ReadRequest } from '../../src/broker/broker.interface.js';
import { MemoryBroker } from '../../src/broker/memory/memory-broker.js';
import type { EventRecord } from '../../src/event/event-record.js';
import { formatEventId } from '../../src/event/position.js';
import { Feeds } from '../../src/delivery/feeds.js';
import { HubCounters } from '../../src/delivery/hub-counters.js';
import { SocketGroup } from '../../src/response/socket-group.js';
import { Heartbeat } from '../../src/delivery/heartbeat.js';
import { LogReader } from '../../src/delivery/log-reader.js';
import { KnownLosses } from '../../src/delivery/losses/known-losses.js';
import type { GapNotice } from '../../src/event/gap.js';
import type { EventSink, EventSinkListener } from '../../src/delivery/event-sink.js';
import { Subscribers } from '../../src/delivery/subscribers.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import { dataOf, publication, publishAll } from '../broker/broker-set-ups.js';

const options = resolveOptions();

/** Its answers are on their way until they are let go, and it can lose an announcement. */
class LaggingBroker extends MemoryBroker {
  readonly onTheirWay: (() => void)[] = [];
  losing = false;

  override start(listener: BrokerListener): Promise<string> {
    const announced = (channel: string, record: EventRecord) => {
      if (!this.losing) listener.announced(channel, record);
    };
    return super.start({
      announced,
      watermark: (position) => listener.watermark(position),
      message: (text) => listener.message(text),
      linkLost: () => listener.linkLost(),
      linkRestored: (position, line) => listener.linkRestored(position, line),
    });
  }

  override async read(requests: readonly ReadRequest[], limits: ReadLimits): Promise<LogSlice[]> {
    const slices = await super.read(requests, limits);
    await new Promise<void>((resolve) => this.onTheirWay.push(resolve));
    return slices;
  }
}

class RecordingSink implements EventSink {
  readonly told: unknown[] = [];
  subscriber: EventSinkListener | undefined;
  event(_channel: string, record: EventRecord): boolean {
    this.told.push(dataOf(record));
    return true;
  }
  late(channel: string, record: EventRecord): boolean {
    return this.event(channel, record);
  }
  open(): boolean {
    return true;
  }
  position(): boolean {
    return true;
  }
  map(): boolean {
    return true;
  }
  message(): boolean {
    return true;
  }
  gap(gap: GapNotice): boolean {
    this.told.push(gap);
    return true;
  }
  join = () => false;
  leaveGroup = () => 0;
  mayEnd = () => true;
  end(): void {}
}

let broker: LaggingBroker;
let feeds: Feeds;
let reader: LogReader;
let heartbeat: Heartbeat;
let streams: Subscribers;

beforeEach(() => {
  broker = new LaggingBroker(options, 'node');
  const counters = new HubCounters();
  feeds = new Feeds(broker, counters, () => new SocketGroup());
  reader = new LogReader(broker, feeds.lines);
  heartbeat = new Heartbeat(options.heartbeatInterval);
  const losses = new KnownLosses(options.ttl, () => feeds.link.lastAssigned);
  streams = new Subscribers(broker, feeds, reader, heartbeat, counters, losses);
});
afterEach(async () => {
  heartbeat.stop();
  streams.stop();
  await broker.close();
});

it('does not take a reading that is older than what was announced for a cursor that is ahead', async () => {
  feeds.link.up = true;
  await broker.start({
    announced: (channel, record) => feeds.announced(channel, record),
    watermark: (position) => feeds.watermark(position),
    message: () => undefined,
    linkLost: () => undefined,
    linkRestored: () => undefined,
  });
  const failed = (error: unknown) => {
    throw error;
  };

  // Live on both channels.
  const both = new RecordingSink();
  const start = await broker.position();
  streams.open(['a', 'b'], {}, both, { failed });
  await turn();
  await publishAll(broker, publication('b', 1));
  await until(() => both.told.length === 1);

  // Comes back, and asks the log of a, which answers at once and is long on its way.
  const returning = new RecordingSink();
  streams.open(['a'], { lastEventId: formatEventId(start) }, returning, { failed });
  await until(() => broker.onTheirWay.length === 1);

  // Meanwhile the first goes on, and then misses an announcement: it, too, needs the log of a.
  await publishAll(broker, publication('b', 2));
  await until(() => both.told.length === 2);
  broker.losing = true;
  await publishAll(broker, publication('b', 3));
  await turn();
  broker.losing = false;
  await publishAll(broker, publication('b', 4));
  await until(() => broker.onTheirWay.length === 2);
  for (let answered = 0; both.told.length < 4; answered++) {
    await until(() => broker.onTheirWay.length > answered);
    broker.onTheirWay[answered]!();
    await turn();
  }
  expect(both.told).toEqual([1, 2, 3, 4]);
});
