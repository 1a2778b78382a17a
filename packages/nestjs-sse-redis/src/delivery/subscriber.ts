import type { EventRecord } from '../event/event-record.js';
import type { Position } from '../event/position.js';
import { beginChannel } from './begin-channel.js';
import type { BroadcastGroup } from './broadcast-group.js';
import { catchUp, type CatchUpTarget } from './catch-up.js';
import { Cursor } from './cursor.js';
import type { Feed, FeedListener } from './feed.js';
import type { CatchUpCause, GapCause, HubCounters } from './hub-counters.js';
import type { SubscriptionState } from './subscription-state.js';
import type { LogReader } from './log-reader.js';
import type { OpenSubscriber } from './open-subscriber.interface.js';
import type { Gap } from '../event/gap.js';
import type { EventSink, EventSinkListener } from './event-sink.js';
import { Claims } from './claims.js';
import type { Beginning } from './losses/loss.js';
import { Replay, type ReplayTarget } from './replay.js';
import { SinkWriter } from './sink-writer.js';
import type { StartPosition } from './start-position.js';
import { Waiters } from './waiters.js';

/**
 * A cursor over the logs of some channels, and a sink.
 *
 * Live, it is handed each event as it is announced. Behind (just opened, slow, or the link was lost), it is handed
 * nothing and holds nothing but its cursor, until `catchUp` has brought it there.
 */
export class Subscriber
  implements FeedListener, CatchUpTarget, EventSinkListener, ReplayTarget, OpenSubscriber
{
  private readonly cursor: Cursor;
  private readonly writer: SinkWriter;
  private readonly replay: Replay;
  private readonly claims: Claims;
  readonly feeds: Feed[];
  private state: 'behind' | 'live' | 'closed' = 'behind';
  /** The feed that delivered the last event. Only the group of this feed can be joined. */
  private lastFeed: Feed | undefined = undefined;
  private isInGroup = false;
  /** Why it is behind. */
  private cause: CatchUpCause = 'connect';
  private readsLogs = false;
  private catchingUp = false;
  /** Messages that wait until the sink takes more, where there are any. */
  private waiting: Waiters | undefined;

  constructor(
    feeds: readonly Feed[],
    private readonly sink: EventSink,
    private readonly link: SubscriptionState,
    private readonly reader: LogReader,
    private readonly counters: HubCounters,
    start: StartPosition,
    /** ms until the client is to come back after a loss. */
    retry?: number,
    /** Behind while the application is asked about its channels. */
    private isPaused = false,
  ) {
    this.feeds = [...feeds];
    this.cursor = new Cursor(start.cursor);
    this.writer = new SinkWriter(sink, this.cursor, counters, link);
    this.claims = new Claims(start.resumed ? start.cursor : undefined);
    this.replay = new Replay(this, this.cursor, this.writer, link, counters, this.claims, start.resumed);
    sink.subscriber = this;
    for (const feed of feeds) {
      feed.add(this);
      this.replay.expect(feed);
      beginChannel(feed, start, this.cursor, this.claims);
    }
    this.writer.begin(start, retry);
    this.catchUp();
  }

  get lastId(): string {
    this.leaveGroup();
    return this.writer.lastId;
  }

  get channels(): string[] {
    return this.feeds.map(({ channel }) => channel);
  }

  drained(): void {
    this.writer.unblock();
    this.catchUp();
    this.waiting?.wake();
  }

  get isClosed(): boolean {
    return this.state === 'closed';
  }

  get isLive(): boolean {
    return this.state === 'live';
  }

  get isFull(): boolean {
    return this.writer.isBlocked;
  }

  /**
   * Adds a channel.
   *
   * @param after the client gets what comes after this position; what was before the cursor comes late
   * @param past it may be a position from before, at which the client stood
   */
  add(feed: Feed, after: Position, past: boolean): void {
    this.leaveGroup();
    this.claims.set(feed, past ? after : undefined);
    if (!past) this.claims.begin(feed, after);
    this.feeds.push(feed);
    feed.add(this);
    this.cursor.startAt(feed, after, past);
    this.replay.expect(feed);
    this.fallBehind('subscribe');
  }

  remove(feed: Feed): void {
    const index = this.feeds.indexOf(feed);
    if (index < 0) return;
    this.leaveGroup();
    this.feeds.splice(index, 1);
    feed.remove(this);
    if (this.lastFeed === feed) this.lastFeed = undefined;
    this.cursor.forget(feed);
    this.claims.delete(feed);
    this.replay.forget(feed);
  }

  /** Where the client began on a channel. */
  getBeginning(feed: Feed): Beginning {
    return this.claims.getBeginning(feed, this.replay.beganAt);
  }

  sendLossGap(gap: Gap, cause: GapCause): void {
    if (this.state === 'closed') return;
    this.leaveGroup();
    if (this.replay.startMap(gap.channel)) this.fallBehind('announcement');
    else this.writer.sendLossGap(gap, cause);
  }

  pause(): void {
    this.isPaused = true;
    this.fallBehind('link');
  }

  resume(): void {
    this.isPaused = false;
    this.catchUp();
  }

  async sendMessage(text: string): Promise<boolean> {
    while (this.isFull && this.state !== 'closed') await (this.waiting ??= new Waiters()).wait();
    if (this.state === 'closed') return false;
    this.sendNow(text);
    return true;
  }

  sendNow(text: string): void {
    this.leaveGroup();
    this.writer.sendMessage(text);
  }

  receive(feed: Feed, record: EventRecord, group?: BroadcastGroup): boolean {
    if (!this.isLive) return false;
    this.leaveGroup();
    const { cursor } = this;
    if (record.position <= cursor.position) return false;
    if (cursor.starts !== undefined && !cursor.hasBegun(feed.channel, record.position)) return false;
    // The first event of a map: the one before, of which the client may have keys, is forgotten.
    if (record.keyed?.count === 1 && this.replay.startMap(feed.channel)) this.fallBehind('announcement');
    if (!this.isLive) return false;
    // An event of a channel whose stream has ended makes it go on: each subscriber has to see that.
    const mayJoin = group !== undefined && this.lastFeed === feed && !this.replay.hasEnded(feed.channel);
    if (mayJoin && (this.isInGroup = this.sink.join(group))) return true;
    this.lastFeed = feed;
    this.writer.sendEvent(feed.channel, record);
    this.replay.noteSent(feed, record);
    if (this.writer.isBlocked) this.fallBehind('slow');
    return false;
  }

  leaveGroup(): void {
    if (!this.isInGroup) return;
    this.isInGroup = false;
    const position = this.sink.leaveGroup();
    // It may have joined, and not been given anything yet.
    if (position > this.cursor.position) this.writer.noteSent(position);
    this.lastFeed?.add(this);
  }

  missed(feed: Feed, seen: Position, certain: boolean): void {
    this.fallBehind('announcement');
    this.cursor.markUnconfirmed(feed, seen, certain);
    this.sendOwedPosition();
  }

  linkLost(): void {
    this.leaveGroup();
    this.standAtWatermark();
    this.fallBehind('link');
  }

  /** `last` is the last position that the broker gave out. Behind a fork of the data it has heard another line. */
  linkRestored(last: Position, forkedAt: Position | undefined): void {
    this.leaveGroup();
    if (forkedAt !== undefined) this.replay.setBack(forkedAt);
    this.replay.resetFromAhead(last);
  }

  /** Sends the position, which also shows proxies and the client that the stream lives. */
  beat(): void {
    if (this.state === 'closed' || this.isFull) return;
    this.leaveGroup();
    this.standAtWatermark();
    this.writer.sendPosition();
  }

  close(): void {
    this.leaveGroup();
    this.state = 'closed';
    for (const feed of this.feeds) feed.remove(this);
    this.waiting?.wake();
  }

  /** The streams of all its channels have ended. */
  end(): void {
    if (this.sink.mayEnd()) this.stop();
  }

  /** Closes it, and ends the sink. */
  stop(): void {
    this.close();
    this.sink.end();
  }

  /** Whether the streams of all its channels have ended. */
  get hasEnded(): boolean {
    return this.replay.hasAllEnded;
  }

  /** A live connection has everything that was announced before the watermark. */
  private standAtWatermark(): void {
    if (this.state === 'live') this.cursor.position = Math.max(this.cursor.position, this.link.watermark);
  }

  /** Hands it nothing more until it has caught up. */
  private fallBehind(cause: CatchUpCause): void {
    if (this.state !== 'live') return;
    this.leaveGroup();
    this.state = 'behind';
    this.cause = cause;
    this.readsLogs = false;
    if (cause === 'slow') this.counters.slow++;
    this.cursor.markAllUnconfirmed(this.feeds);
    // Not at once: the feed is in the midst of an announcement, which must be known before memory is read.
    queueMicrotask(() => this.catchUp());
  }

  catchUp(): void {
    if (this.catchingUp || !this.canCatchUp) return;
    this.catchingUp = true;
    void catchUp(this, this.reader).finally(() => {
      this.catchingUp = false;
      // Something may have happened after its last look.
      if (this.canCatchUp) this.catchUp();
    });
  }

  get canCatchUp(): boolean {
    return this.state === 'behind' && this.link.up && !this.isFull && !this.isPaused;
  }

  catchUpFromMemory(): boolean {
    if (!this.replay.isInMemory) return false;
    this.replay.sendFromMemory();
    // It stays behind, after positions that it passed on the word of announcements (rule `unconfirmed`).
    if (this.isFull) this.cursor.markAllUnconfirmed(this.feeds);
    else if (this.state === 'behind') {
      this.state = 'live';
      this.replay.noteLive();
      this.counters.catchUps[this.cause][this.readsLogs ? 'log' : 'memory']++;
      this.writer.endCatchUp();
    }
    return true;
  }

  catchUpFromLogs(): Promise<boolean> {
    this.readsLogs = true;
    return this.replay.sendFromLogs(this.reader, () => this.canCatchUp);
  }

  /** A client that is cut off before it has the events it is owed must return with an id that says so. */
  sendOwedPosition(): void {
    if (this.state === 'closed') return;
    this.leaveGroup();
    this.writer.sendOwedPosition();
  }
}
