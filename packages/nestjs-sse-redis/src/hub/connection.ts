import type { LogSlice } from '../broker/broker.interface.js';
import type { EventRecord } from '../event/event-record.js';
import type { Position } from '../event/position.js';
import { catchUp } from './catch-up.js';
import type { Feed, Link } from './feed.js';
import type { LogReader } from './log-reader.js';
import type { Gap, Outlet } from './outlet.js';

/** Where a connection begins. */
export interface Start {
  readonly cursor: Position;
  /** The client claimed another position, which is none (null) or one that was not given out: it has a gap up to the cursor. */
  readonly gapFrom?: Position | null;
  /** It has been here before. A channel that ended before it came back has ended for it. */
  readonly resumed: boolean;
}

/**
 * A cursor over the logs of some channels, and an outlet.
 *
 * Live, it is handed each event as it is announced. Behind (just opened, slow, or the link was lost), it is handed
 * nothing and holds nothing but its cursor, until `catchUp` has brought it there.
 */
export class Connection {
  private cursor: Position;
  /** The last position that the client was sent. */
  private told: Position;
  private state: 'behind' | 'live' | 'closed' = 'behind';
  private full = false;
  private catchingUp = false;
  /** Gaps told of in this catch-up, which may read the same part more than once. */
  private readonly gapsTold = new Map<string, Position>();
  /** Channels whose stream has ended, where there are any. */
  private ended: Set<string> | undefined;
  private resumed: boolean;

  constructor(
    readonly feeds: readonly Feed[],
    private readonly outlet: Outlet,
    private readonly link: Link,
    private readonly reader: LogReader,
    start: Start,
  ) {
    this.cursor = this.told = start.cursor;
    this.resumed = start.resumed;
    outlet.onDrain = () => {
      this.full = false;
      this.catchUp();
    };
    // First of all the position: a client that drops before its first event can then resume.
    this.give(outlet.position(start.cursor));
    const { cursor: to, gapFrom: from } = start;
    for (const feed of feeds) {
      if (from !== undefined) this.tellGap({ channel: feed.channel, from, to });
      feed.connections.add(this);
    }
    this.catchUp();
  }

  /** A position that the client has everything before: a live connection has all that was announced. */
  get position(): Position {
    return this.state === 'live' ? Math.max(this.cursor, this.link.watermark) : this.cursor;
  }

  /** An event was announced. */
  receive(channel: string, record: EventRecord): void {
    if (this.state !== 'live' || record.position <= this.cursor) return;
    this.deliver(channel, record);
    if (this.full) this.fallBehind();
  }

  /** Hands it nothing more until it has caught up. */
  fallBehind(): void {
    if (this.state !== 'live') return;
    this.state = 'behind';
    // Not at once: the feed is in the midst of an announcement, which must be known before memory is read.
    queueMicrotask(() => this.catchUp());
  }

  linkLost(): void {
    this.cursor = this.position;
    if (this.state === 'live') this.state = 'behind';
  }

  /** @param last the last position that the broker gave out */
  linkRestored(last: Position): void {
    this.returnFromAhead(last);
    this.catchUp();
  }

  /** Sends the position, which also shows proxies and the client that the stream lives. */
  beat(): void {
    if (this.state === 'closed' || this.full) return;
    this.cursor = this.position;
    this.tellPosition();
  }

  close(): void {
    this.state = 'closed';
    for (const feed of this.feeds) feed.connections.delete(this);
  }

  /** Closes it, and tells the outlet that there will be nothing more. */
  end(): void {
    this.close();
    this.outlet.end();
  }

  private catchUp(): void {
    if (this.catchingUp || !this.canCatchUp) return;
    this.catchingUp = true;
    void catchUp(this, this.reader).finally(() => {
      this.catchingUp = false;
      // Something may have happened after its last look.
      if (this.canCatchUp) this.catchUp();
    });
  }

  /** Whether there is something to catch up with, and the means to. */
  get canCatchUp(): boolean {
    return this.state === 'behind' && this.link.up && !this.full;
  }

  /** Catches up from memory and goes live, if memory holds all that is missing. */
  catchUpFromMemory(): boolean {
    // Whoever comes back after the end is ended again: that, too, must be known.
    const { cursor, resumed } = this;
    if (!this.feeds.every((feed) => feed.covers(cursor) && (feed.knowsEnd || !resumed))) return false;
    this.resumed = false;
    if (resumed) for (const feed of this.feeds) if (feed.endedBy(cursor)) this.markEnded(feed.channel);
    this.deliverAll(
      this.feeds.flatMap((feed) =>
        feed.eventsAfter(this.cursor).map((record) => ({ channel: feed.channel, record })),
      ),
    );
    if (!this.full && this.state === 'behind') {
      this.state = 'live';
      this.gapsTold.clear();
      if (this.cursor > this.told) this.tellPosition();
    }
    return true;
  }

  /** Reads every channel from the cursor on, and delivers what was read. */
  async catchUpFromLogs(): Promise<void> {
    const cursor = this.cursor;
    const slices = await Promise.all(this.feeds.map((feed) => this.reader.read(feed.channel, cursor)));
    // Read before a link was lost they are as good as any, since they say how far they reach.
    if (this.canCatchUp && this.cursor === cursor) this.takeSlices(slices);
  }

  /**
   * In id order, and no further than every one of the slices reaches: beyond that an event of one channel would move
   * the cursor past events of another that were not read.
   */
  private takeSlices(slices: readonly LogSlice[]): void {
    if (this.returnFromAhead(Math.min(...slices.map(({ last }) => last)))) return;
    const upTo = Math.min(...slices.map((slice) => slice.upTo));
    const { cursor, resumed } = this;
    this.resumed = false;
    slices.forEach((slice, i) => {
      const { channel, wholeFrom, ended } = slice;
      this.feeds[i]!.learnEnd(slice);
      if (cursor < wholeFrom) this.tellGap({ channel, from: cursor, to: wholeFrom });
      if (ended && resumed) this.markEnded(channel);
    });
    this.deliverAll(
      slices.flatMap(({ channel, records }) =>
        records.filter(({ position }) => position <= upTo).map((record) => ({ channel, record })),
      ),
    );
    if (!this.full && upTo > this.cursor) this.cursor = upTo;
  }

  private deliverAll(events: { channel: string; record: EventRecord }[]): void {
    events.sort((a, b) => a.record.position - b.record.position);
    for (const { channel, record } of events) {
      if (this.full || this.state === 'closed') return;
      this.deliver(channel, record);
    }
  }

  private deliver(channel: string, record: EventRecord): void {
    this.cursor = this.told = record.position;
    this.give(this.outlet.event(channel, record));
    if (record.kind === 'x') this.markEnded(channel);
    else if (!record.ephemeral) this.ended?.delete(channel);
  }

  /** A cursor beyond what the broker has given out is of another deployment, or of data that Redis has lost. */
  private returnFromAhead(last: Position): boolean {
    if (this.cursor <= last) return false;
    const from = this.cursor;
    this.cursor = last;
    for (const { channel } of this.feeds) this.tellGap({ channel, from, to: last });
    this.tellPosition();
    return true;
  }

  private tellGap(gap: Gap): void {
    if ((this.gapsTold.get(gap.channel) ?? -1) >= gap.to) return;
    this.gapsTold.set(gap.channel, gap.to);
    this.give(this.outlet.gap(gap, this.cursor));
  }

  private tellPosition(): void {
    this.told = this.cursor;
    this.give(this.outlet.position(this.cursor));
  }

  private give(more: boolean): void {
    if (!more) this.full = true;
  }

  /** A stream of several channels ends with the last of them. */
  private markEnded(channel: string): void {
    this.ended ??= new Set();
    this.ended.add(channel);
    if (this.ended.size === this.feeds.length) this.end();
  }
}
