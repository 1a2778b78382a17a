import type { LogSlice } from '../broker/broker.interface.js';
import type { EventRecord } from '../event/event-record.js';
import type { Gap } from '../event/gap.js';
import { isAhead, type Position } from '../event/position.js';
import type { Claims } from './claims.js';
import { ConflationCounts } from './conflation-counts.js';
import { MAP_START, type Cursor } from './cursor.js';
import type { Feed } from './feed.js';
import type { HubCounters } from './hub-counters.js';
import type { LogReader } from './log-reader.js';
import { MapProgress } from './map-progress.js';
import { collectFromMemory, collectFromSlice, type PendingEvent } from './pending-events.js';
import type { SinkWriter } from './sink-writer.js';
import type { SubscriptionState } from './subscription-state.js';
import { hasEventsAfter } from './superseded-ends.js';

/** The subscriber that a replay is for. */
export interface ReplayTarget {
  readonly feeds: readonly Feed[];
  readonly isClosed: boolean;
  /** The streams of all its channels have ended. */
  end(): void;
}

/** Sends a subscriber the events that it lacks, from memory or from slices of logs, and knows which of its channels have ended. */
export class Replay {
  /** Channels whose stream has ended, where there are any. */
  private ended: Set<string> | undefined = undefined;
  private readonly counts = new ConflationCounts();
  private readonly maps = new MapProgress();
  /** Where the client began here. */
  readonly beganAt: Position;

  /** @param resumed the client returns, and was not yet sent what it lacks */
  constructor(
    private readonly target: ReplayTarget,
    private readonly cursor: Cursor,
    private readonly writer: SinkWriter,
    private readonly link: SubscriptionState,
    private readonly counters: HubCounters,
    private readonly claims: Claims,
    private resumed: boolean,
  ) {
    this.beganAt = cursor.position;
  }

  /** Whether memory has every event that the client lacks. */
  get isInMemory(): boolean {
    const { cursor, resumed } = this;
    // An event from before the cursor may still be on its way, and would be passed over when it comes.
    if (cursor.hasUnconfirmed && this.link.lastAnnounced < cursor.position) return false;
    // A client that returns after the end is ended again: that, too, must be known.
    const isCovered = (feed: Feed) => feed.covers(cursor.lacksAfter(feed)) && (feed.knowsEnd || !resumed);
    return this.target.feeds.every(isCovered) && !this.endsByMemory;
  }

  /** Memory would end a channel. Announcements that supersede the end may be on their way: the log decides (rule `end`). */
  private get endsByMemory(): boolean {
    const { cursor, resumed } = this;
    return this.target.feeds.some((feed) => feed.endsAfter(resumed ? -1 : cursor.lacksAfter(feed)));
  }

  sendFromMemory(): void {
    const { cursor } = this;
    const { feeds } = this.target;
    this.resumed = false;
    for (const feed of feeds) if (feed.goesOnAfter(cursor.lacksAfter(feed))) this.reopen(feed.channel);
    const events = collectFromMemory(cursor, feeds, this.writer.takesPastEnds);
    cursor.reach(this.sendAll(events) ?? cursor.position, false);
    this.reportMaps();
  }

  /**
   * Reads the logs, and sends what the slices have.
   *
   * @param isCurrent asked after the reading: whether the slices are still what the subscriber needs
   * @returns whether anything came of it
   * @throws RedisUnavailableError
   */
  async sendFromLogs(reader: LogReader, isCurrent: () => boolean): Promise<boolean> {
    const { feeds } = this.target;
    const { revision } = this.cursor;
    const after = feeds.map((feed) => this.cursor.readAfter(feed));
    const slices = await Promise.all(feeds.map((feed, i) => reader.read(feed.channel, after[i]!)));
    // Something else is to be read now. (A lost link alone changes nothing: the slices say how far they reach.)
    if (!isCurrent() || this.cursor.revision !== revision) return true;
    if (this.takeSlices(slices)) return true;
    return Math.min(...slices.map(({ coveredUpTo }) => coveredUpTo)) > Math.min(...after);
  }

  /** A cursor beyond the head of the logs goes back to it, and gaps say so. Returns whether it did. */
  resetFromAhead(head: Position): boolean {
    const { cursor, writer } = this;
    const from = cursor.position;
    if (!isAhead(from, head)) return false;
    const { feeds } = this.target;
    const gaps = feeds
      .filter(({ isState }) => !isState)
      .map((feed) => ({
        channel: feed.channel,
        from: Math.min(from, cursor.lacksAfter(feed)),
        to: head,
      }));
    writer.goBackTo(
      head,
      gaps,
      'unknown-id',
      feeds.filter(({ isState }) => isState),
    );
    return true;
  }

  /**
   * Where events after a fork were of another line, the client goes back to the fork, or to where it was new. Gaps name the
   * channels of which there were some: they were announced here, or it came with a position of that line, from whatever node.
   */
  setBack(from: Position): void {
    const { cursor, writer, claims } = this;
    const limit = claims.isReturn ? from : Math.max(from, this.beganAt);
    const gaps: Gap[] = [];
    const earlier: [Feed, Position][] = [];
    const states: Feed[] = [];
    for (const feed of this.target.feeds) {
      const { channel } = feed;
      const to = Math.max(feed.newestBefore, claims.reach(feed));
      // A channel that was added after a position from before goes back further than a newcomer's others.
      const start = claims.get(feed) === undefined ? Math.max(limit, claims.began(feed) ?? 0) : from;
      if (feed.isState) {
        if (to > start || cursor.mapBegunAt(feed) !== undefined) states.push(feed);
        continue;
      }
      if (start < limit) earlier.push([feed, Math.min(start, cursor.lacksAfter(feed))]);
      if (to <= start) continue;
      gaps.push({ channel, from: start, to });
      this.reopen(channel);
    }
    claims.setBack(limit);
    if (cursor.position > limit) writer.goBackTo(limit, gaps, 'failover', states);
    else {
      for (const feed of states) cursor.startMap(feed);
      for (const gap of gaps) writer.sendLossGap(gap, 'failover');
    }
    for (const [feed, after] of earlier) cursor.startAt(feed, after, true);
    writer.sendOwedPosition();
  }

  /** The map of a state channel heals what was lost of it: the client gets it anew. @returns whether the channel is one */
  startMap(channel: string): boolean {
    const feed = this.target.feeds.find((one) => one.isState && one.channel === channel);
    if (!feed) return false;
    this.cursor.startMap(feed);
    this.writer.sendOwedPosition();
    return true;
  }

  /** An event was sent. The end of the last channel ends the subscriber. */
  noteSent(feed: Feed, record: EventRecord): void {
    this.counters.delivered++;
    const { channel } = feed;
    if (record.keyed) {
      this.counts.note(channel, record.keyed.count, this.cursor.mapBegunAt(feed) === undefined);
      this.maps.noteSent(feed);
    }
    if (record.kind === 'x') this.markEnded(channel);
    else if (!record.ephemeral) this.reopen(channel);
  }

  /** The client has everything that was heard. */
  noteLive(): void {
    for (const { channel, newestCount } of this.target.feeds)
      if (newestCount !== undefined) this.counts.set(channel, newestCount);
    this.maps.report(this.cursor, this.writer, true);
  }

  /** The client is on a channel from now on. */
  expect(feed: Feed): void {
    this.reopen(feed.channel);
    this.maps.expect(feed);
  }

  /** The client is no longer on a channel. */
  forget(feed: Feed): void {
    this.reopen(feed.channel);
    this.maps.forget(feed);
  }

  hasEnded(channel: string): boolean {
    return this.ended?.has(channel) === true;
  }

  get hasAllEnded(): boolean {
    return this.ended !== undefined && this.ended.size === this.target.feeds.length;
  }

  /** The stream of a channel goes on, or the subscriber is new to it. */
  reopen(channel: string): void {
    this.ended?.delete(channel);
  }

  /**
   * No further than every slice reaches: an event beyond that would move the cursor past events of channels that were not read.
   *
   * @returns whether a map begins anew, and is to be read from its beginning
   */
  private takeSlices(slices: readonly LogSlice[]): boolean {
    // A reading that was shared may be older than what was announced since.
    const head = Math.max(this.link.lastAssigned, Math.min(...slices.map((slice) => slice.head)));
    if (this.resetFromAhead(head) || this.restartMaps(slices)) return true;
    const upTo = Math.min(...slices.map((slice) => slice.coveredUpTo));
    const { cursor, resumed, writer } = this;
    const { feeds } = this.target;
    this.resumed = false;
    const events = slices.flatMap((slice, i) => {
      this.takeSlice(feeds[i]!, slice, resumed);
      return collectFromSlice(cursor, feeds[i]!, { slice, upTo }, writer.takesPastEnds);
    });
    cursor.reach(this.sendAll(events) ?? upTo, true);
    this.reportMaps();
    return false;
  }

  /** Where removals may be missing, only the whole map helps. Of an empty one it is said once, since `logStart` is the head of each reading. */
  private needsMap(feed: Feed, { logStart, isEmpty }: LogSlice): boolean {
    const { cursor } = this;
    if (!feed.isState || cursor.gapAfter(feed) >= logStart) return false;
    return isEmpty ? !this.maps.isToldEmpty(feed) : cursor.mapBegunAt(feed) !== logStart;
  }

  private restartMaps(slices: readonly LogSlice[]): boolean {
    const { cursor } = this;
    const restarted = this.target.feeds.filter(
      (feed, i) =>
        cursor.readAfter(feed) > MAP_START && !slices[i]!.isEmpty && this.needsMap(feed, slices[i]!),
    );
    for (const feed of restarted) cursor.startMap(feed);
    return restarted.length > 0;
  }

  /** Learns what a slice says besides its events: the end of its channel, and what is no longer retained. */
  private takeSlice(feed: Feed, slice: LogSlice, resumed: boolean): void {
    const { cursor, writer } = this;
    const { channel, logStart } = slice;
    feed.learnEnd(slice);
    feed.keep(cursor.readAfter(feed), slice);
    if (feed.isState) {
      if (!this.needsMap(feed, slice)) return;
      this.counts.delete(channel);
      if (!slice.isEmpty) cursor.noteMapBegun(feed, logStart);
      this.maps.noteBegun(feed, slice.isEmpty);
      return writer.sendMapBegin(channel);
    }
    const lacksAfter = cursor.lacksAfter(feed);
    const gapAfter = cursor.gapAfter(feed);
    if (gapAfter < logStart) {
      // An unconfirmed event may be gone with the rest, and nothing else would say so.
      const from = Math.min(gapAfter, lacksAfter);
      writer.sendGap({ channel, from, to: logStart }, 'retention', writer.lastId);
    }
    if (hasEventsAfter(lacksAfter, feed, slice)) this.reopen(channel);
    else if (slice.ended && resumed) this.markEnded(channel);
  }

  /** In the order of their ids. Returns the position that was reached, if the sink did not take all. */
  private sendAll(events: PendingEvent[]): Position | undefined {
    events.sort((a, b) => a.position - b.position);
    const { cursor, writer } = this;
    for (const [i, { feed, position, event }] of events.entries()) {
      const { record } = event;
      if (position < cursor.position) writer.sendLateEvent(feed, record);
      else writer.sendEvent(feed.channel, record);
      this.noteSent(feed, record);
      if (writer.isBlocked && i < events.length - 1) return position;
      if (this.target.isClosed) return position;
    }
    return undefined;
  }

  /** What clients of state channels are told behind what they were sent. */
  private reportMaps(): void {
    this.counts.report(this.writer);
    this.maps.report(this.cursor, this.writer, false);
  }

  private markEnded(channel: string): void {
    this.ended ??= new Set();
    this.ended.add(channel);
    if (this.hasAllEnded) this.target.end();
  }
}
