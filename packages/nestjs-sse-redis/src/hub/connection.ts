import type { LogSlice } from '../broker/broker.interface.js';
import type { EventRecord } from '../event/event-record.js';
import type { Position } from '../event/position.js';
import { formatLastEventId } from '../event/last-event-id.js';
import { catchUp, type CatchingUp } from './catch-up.js';
import { Cursor } from './cursor.js';
import type { Feed, FeedListener } from './feed.js';
import type { CatchUpCause, Figures } from './figures.js';
import type { Link } from './link.js';
import type { LogReader } from './log-reader.js';
import type { Gap, Outlet, OutletListener, Unison } from './outlet.js';
import { hasEventsAfter, withoutSupersededEnds } from './superseded-ends.js';

/** Where a connection begins. */
export interface Start {
  readonly cursor: Position;
  /** Channels of which the client lacks events from before the cursor, and after which position. */
  readonly owed?: ReadonlyMap<string, Position>;
  /** What the client is told first, since it cannot be recovered. */
  readonly gaps?: readonly StartGap[];
  /** The id that it came with, which it keeps until it has been told of all gaps. */
  readonly sentId?: string | undefined;
  /** It has been here before. A channel that ended before it came back has ended for it. */
  readonly resumed: boolean;
}

export interface StartGap extends Gap {
  readonly cause: keyof Figures['gaps'];
}

/** An event that the client lacks. */
interface Pending {
  readonly feed: Feed;
  readonly position: Position;
  readonly event: { readonly record: EventRecord };
}

/**
 * A cursor over the logs of some channels, and an outlet.
 *
 * Live, it is handed each event as it is announced. Behind (just opened, slow, or the link was lost), it is handed
 * nothing and holds nothing but its cursor, until `catchUp` has brought it there.
 */
export class Connection implements FeedListener, CatchingUp, OutletListener {
  private readonly cursor: Cursor;
  /** The last position that the client was sent. */
  private told: Position;
  /** It was sent with the id of a late event, which says more than it has to from when the connection is live again. */
  private isToldLate = false;
  private state: 'behind' | 'live' | 'closed' = 'behind';
  /** Why it is behind. */
  private cause: CatchUpCause = 'connect';
  private readsLogs = false;
  private full = false;
  /** Behind, and to stay there: whether it may be on its channels is being asked. */
  private held = false;
  /** Called when the client has taken what it was given. */
  private room: (() => void)[] | undefined;
  private readonly on: Feed[];
  private catchingUp = false;
  /** Gaps told of in this catch-up, which may read the same part more than once. */
  private gapsTold: Map<string, Position> | undefined;
  /** Channels whose stream has ended, where there are any. */
  private ended: Set<string> | undefined;
  private resumed: boolean;
  /** The position with which the client came back. */
  private readonly claimed: Position | undefined;
  /** The same of channels that were added, where there are any; undefined: it came to them with none. */
  private claims: Map<Feed, Position | undefined> | undefined;
  /** Of which an announcement was the last to be given to it: that whose unison it is in, or may join. */
  private last: Feed | undefined = undefined;

  constructor(
    feeds: readonly Feed[],
    private readonly outlet: Outlet,
    private readonly link: Link,
    private readonly reader: LogReader,
    private readonly figures: Figures,
    start: Start,
    /** ms until the client is to come back after a loss. */
    retry?: number,
  ) {
    this.on = [...feeds];
    this.cursor = new Cursor(start.cursor);
    this.told = start.cursor;
    this.resumed = start.resumed;
    this.claimed = start.resumed ? start.cursor : undefined;
    outlet.connection = this;
    for (const feed of feeds) {
      feed.add(this);
      const after = start.owed?.get(feed.channel);
      if (after === undefined) continue;
      this.cursor.startAt(feed, after, true);
      // It was told what it lacked of the channel up to there.
      (this.claims ??= new Map()).set(feed, undefined);
    }
    this.begin(start, retry);
    this.catchUp();
  }

  /** First of all the position: a client that drops before its first event can then resume. */
  private begin({ gaps = [], sentId }: Start, retry: number | undefined): void {
    // Cut off before the last gap, it comes back as it came, and is told of all again.
    this.give(this.outlet.open(gaps.length > 0 ? sentId : this.lastId, retry));
    gaps.forEach(({ cause, ...gap }, i) => {
      this.tellGap(gap, cause, i < gaps.length - 1 ? sentId : this.lastId);
    });
  }

  get lastId(): string {
    this.part();
    return formatLastEventId(this.told, this.cursor.owed(this.told), this.told);
  }

  get feeds(): readonly Feed[] {
    return this.on;
  }

  createUnison(): Unison | undefined {
    return this.outlet.createUnison?.();
  }

  part(): void {
    const { unison } = this.outlet;
    if (unison === undefined) return;
    // It may have joined, and not been given anything yet.
    if (unison.position > this.cursor.position) this.cursor.position = this.told = unison.position;
    this.last?.add(this);
    this.outlet.leave?.();
  }

  /** An event of a channel whose stream has ended makes it go on: that is to be seen first. */
  private joins(unison: Unison, { channel }: Feed): boolean {
    return this.ended?.has(channel) !== true && this.outlet.join?.(unison) === true;
  }

  drained(): void {
    this.full = false;
    this.catchUp();
    for (const resume of this.room?.splice(0) ?? []) resume();
  }

  get isLive(): boolean {
    return this.state === 'live';
  }

  get isFull(): boolean {
    return this.full;
  }

  /**
   * Adds a channel.
   *
   * @param after the client gets what comes after this position; what was before the cursor comes late
   * @param past it may be a position from before, at which the client stood
   */
  add(feed: Feed, after: Position, past: boolean): void {
    this.part();
    (this.claims ??= new Map()).set(feed, past ? after : undefined);
    this.on.push(feed);
    feed.add(this);
    this.cursor.startAt(feed, after, past);
    this.ended?.delete(feed.channel);
    this.fallBehind('subscribe');
  }

  remove(feed: Feed): void {
    const index = this.on.indexOf(feed);
    if (index < 0) return;
    this.part();
    this.on.splice(index, 1);
    feed.remove(this);
    if (this.last === feed) this.last = undefined;
    this.cursor.forget(feed);
    this.claims?.delete(feed);
    this.ended?.delete(feed.channel);
  }

  /** Whether its client came to a channel with a position. */
  get hasClaims(): boolean {
    return this.claimed !== undefined || this.claims !== undefined;
  }

  /** The position with which the client came to a channel, from whatever node: it claims to have all before it. */
  claimOf(feed: Feed): Position | undefined {
    return this.claims?.has(feed) ? this.claims.get(feed) : this.claimed;
  }

  /** Events before the position with which the client came were not announced to a node where it may have been. */
  tellLoss(gap: Gap): void {
    if (this.state === 'closed') return;
    this.figures.gaps.announcement++;
    this.give(this.outlet.gap(gap, this.lastId));
  }

  /** Nothing is given to the client until `release`. */
  hold(): void {
    this.held = true;
    this.fallBehind('link');
  }

  release(): void {
    this.held = false;
    this.catchUp();
  }

  /** Sends the client something that is in no log. It does not move its position. Returns whether it could be given. */
  async send(text: string): Promise<boolean> {
    while (this.full && this.state !== 'closed') {
      await new Promise<void>((resolve) => (this.room ??= []).push(resolve));
    }
    if (this.state === 'closed') return false;
    this.tell(text);
    return true;
  }

  /** The same at once, for what the hub itself says: it is short, and goes over the limit if need be. */
  tell(text: string): void {
    this.give(this.outlet.message(this.lastId, text));
  }

  /** An event was announced. */
  receive(feed: Feed, record: EventRecord, unison?: Unison): boolean {
    if (this.state !== 'live') return false;
    this.part();
    const { cursor } = this;
    if (record.position <= cursor.position) return false;
    if (cursor.starts !== undefined && !cursor.hasBegun(feed.channel, record.position)) return false;
    if (unison !== undefined && this.last === feed && this.joins(unison, feed)) return true;
    this.last = feed;
    this.deliver(feed.channel, record);
    if (this.full) this.fallBehind('slow');
    return false;
  }

  missed(feed: Feed, seen: Position, certain: boolean): void {
    this.fallBehind('announcement');
    this.cursor.doubt(feed, seen, certain);
    this.tellOwed();
  }

  linkLost(): void {
    this.part();
    this.standAtWatermark();
    this.fallBehind('link');
  }

  /** @param last the last position that the broker gave out */
  linkRestored(last: Position): void {
    this.part();
    this.returnFromAhead(last);
    this.catchUp();
  }

  /** Sends the position, which also shows proxies and the client that the stream lives. */
  beat(): void {
    if (this.state === 'closed' || this.full) return;
    this.part();
    this.standAtWatermark();
    this.tellPosition();
  }

  close(): void {
    this.part();
    this.state = 'closed';
    for (const feed of this.on) feed.remove(this);
    for (const resume of this.room?.splice(0) ?? []) resume();
  }

  /** Closes it, and tells the outlet that there will be nothing more. */
  end(): void {
    this.close();
    this.outlet.end();
  }

  /** A live connection has everything that was announced before the watermark. */
  private standAtWatermark(): void {
    if (this.state === 'live') this.cursor.position = Math.max(this.cursor.position, this.link.watermark);
  }

  /** Hands it nothing more until it has caught up. */
  private fallBehind(cause: CatchUpCause): void {
    if (this.state !== 'live') return;
    this.part();
    this.state = 'behind';
    this.cause = cause;
    this.readsLogs = false;
    if (cause === 'slow') this.figures.slow++;
    this.doubtAll();
    // Not at once: the feed is in the midst of an announcement, which must be known before memory is read.
    queueMicrotask(() => this.catchUp());
  }

  private doubtAll(): void {
    for (const feed of this.feeds) this.cursor.doubt(feed, feed.seen, false);
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

  get canCatchUp(): boolean {
    return this.state === 'behind' && this.link.up && !this.full && !this.held;
  }

  catchUpFromMemory(): boolean {
    // Whoever comes back after the end is ended again: that, too, must be known.
    const { cursor, resumed } = this;
    // What is owed from before the cursor may still be on its way, and would be passed over when it comes.
    if (cursor.isInDoubt && this.link.heard < cursor.position) return false;
    const isCovered = (feed: Feed) => feed.covers(cursor.lacksAfter(feed)) && (feed.knowsEnd || !resumed);
    if (!this.feeds.every(isCovered) || this.endsByMemory) return false;
    this.resumed = false;
    for (const feed of this.feeds) {
      if (feed.goesOnAfter(cursor.lacksAfter(feed))) this.ended?.delete(feed.channel);
    }
    const events = this.feeds.flatMap((feed) => {
      const lacking = feed.eventsAfter(cursor.lacksAfter(feed));
      cursor.find(feed, lacking[0]);
      return lacking.map((event) => ({ feed, position: event.position, event }));
    });
    cursor.reach(this.deliverAll(events) ?? cursor.position, false);
    // It stays behind, after positions that it passed on the word of announcements (rule doubt).
    if (this.full) this.doubtAll();
    else if (this.state === 'behind') {
      this.state = 'live';
      this.figures.catchUps[this.cause][this.readsLogs ? 'log' : 'memory']++;
      this.gapsTold = undefined;
      if (cursor.position > this.told || this.isToldLate) this.tellPosition();
      this.outlet.live?.();
    }
    return true;
  }

  /** Memory would end a channel. Announcements that supersede the end may be on their way: the log decides (rule `end`). */
  private get endsByMemory(): boolean {
    const { cursor, resumed } = this;
    return this.feeds.some((feed) => feed.endsAfter(resumed ? -1 : cursor.lacksAfter(feed)));
  }

  async catchUpFromLogs(): Promise<boolean> {
    this.readsLogs = true;
    const { revision } = this.cursor;
    const after = this.feeds.map((feed) => this.cursor.readAfter(feed));
    const slices = await Promise.all(this.feeds.map((feed, i) => this.reader.read(feed.channel, after[i]!)));
    // Something else is to be read now. (A lost link alone changes nothing: the slices say how far they reach.)
    if (!this.canCatchUp || this.cursor.revision !== revision) return true;
    this.takeSlices(slices);
    return Math.min(...slices.map(({ upTo }) => upTo)) > Math.min(...after);
  }

  /**
   * In id order, and no further than every one of the slices reaches: beyond that an event of one channel would move
   * the cursor past events of another that were not read.
   */
  private takeSlices(slices: readonly LogSlice[]): void {
    // A reading that was shared may be older than what was announced since.
    const last = Math.max(this.link.known, Math.min(...slices.map((slice) => slice.last)));
    if (this.returnFromAhead(last)) return;
    const upTo = Math.min(...slices.map((slice) => slice.upTo));
    const { cursor, resumed } = this;
    this.resumed = false;
    const events = slices.flatMap((slice, i) => {
      const feed = this.feeds[i]!;
      const { channel, wholeFrom } = slice;
      feed.learnEnd(slice);
      feed.keep(cursor.readAfter(feed), slice);
      const lacksAfter = cursor.lacksAfter(feed);
      const gapAfter = cursor.gapAfter(feed);
      if (gapAfter < wholeFrom) {
        // What is in doubt may be gone with the rest, and then nothing else would tell of it.
        const from = Math.min(gapAfter, lacksAfter);
        this.tellGap({ channel, from, to: wholeFrom }, 'retention', this.lastId);
      }
      if (hasEventsAfter(lacksAfter, feed, slice)) this.ended?.delete(channel);
      else if (slice.ended && resumed) this.markEnded(channel);
      cursor.find(
        feed,
        slice.records.find(({ position }) => position > lacksAfter),
      );
      const lacking = withoutSupersededEnds(feed, slice).filter(
        ({ position }) => position > lacksAfter && position <= upTo,
      );
      return lacking.map((record) => ({ feed, position: record.position, event: { record } }));
    });
    cursor.reach(this.deliverAll(events) ?? upTo, true);
  }

  /** In the order of their ids. Returns how far it came, if the client could not take all. */
  private deliverAll(events: Pending[]): Position | undefined {
    events.sort((a, b) => a.position - b.position);
    const { cursor } = this;
    for (const [i, { feed, position, event }] of events.entries()) {
      if (position < cursor.position) this.deliverLate(feed, event.record);
      else this.deliver(feed.channel, event.record);
      if (this.full && i < events.length - 1) return position;
      if (this.state === 'closed') return position;
    }
    return undefined;
  }

  private deliver(channel: string, record: EventRecord): void {
    this.cursor.position = this.told = record.position;
    this.isToldLate = false;
    this.give(this.outlet.event(channel, record));
    this.delivered(channel, record);
  }

  /** Its id is behind what the client has of other channels: it says where the client stands as well. */
  private deliverLate(feed: Feed, record: EventRecord): void {
    const { position } = this.cursor;
    const others = this.cursor.owed(position, feed, record.position);
    this.told = position;
    this.isToldLate = true;
    this.give(this.outlet.late(feed.channel, record, formatLastEventId(record.position, others, position)));
    this.delivered(feed.channel, record);
  }

  private delivered(channel: string, record: EventRecord): void {
    this.figures.delivered++;
    if (record.kind === 'x') this.markEnded(channel);
    else if (!record.ephemeral) this.ended?.delete(channel);
  }

  /** A cursor beyond what the broker has given out is of another deployment, or of data that Redis has lost. */
  private returnFromAhead(last: Position): boolean {
    const from = this.cursor.position;
    if (from <= last) return false;
    const sentId = this.lastId;
    const gaps = this.feeds.map((feed) => ({
      channel: feed.channel,
      from: Math.min(from, this.cursor.lacksAfter(feed)),
      to: last,
    }));
    this.cursor.moveTo(last);
    this.told = last;
    gaps.forEach((gap, i) => this.tellGap(gap, 'unknown-id', i < gaps.length - 1 ? sentId : this.lastId));
    this.tellPosition();
    return true;
  }

  /** @param id that the client has after it: cut off behind it, it must still be told of all that is untold */
  private tellGap(gap: Gap, cause: keyof Figures['gaps'], id: string | undefined): void {
    this.gapsTold ??= new Map();
    if ((this.gapsTold.get(gap.channel) ?? -1) >= gap.to) return;
    this.gapsTold.set(gap.channel, gap.to);
    this.figures.gaps[cause]++;
    this.give(this.outlet.gap(gap, id));
  }

  private tellPosition(): void {
    const told = this.cursor.position;
    const owed = this.cursor.owed(told);
    this.told = told;
    this.isToldLate = false;
    this.give(this.outlet.position(told, owed.length > 0 ? formatLastEventId(told, owed, told) : undefined));
  }

  /** A client that is cut off before it has what it is owed shall come back with an id that says so. */
  tellOwed(): void {
    if (this.state !== 'closed' && !this.full && this.cursor.owed(this.cursor.position).length > 0) {
      this.tellPosition();
    }
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
