import { toMapName } from '../event/last-event-id.js';
import type { Position } from '../event/position.js';
import type { Feed } from './feed.js';

/** A channel of which something from before the cursor may be missing. */
interface UnconfirmedRange {
  /** From where its log is read: the same for all connections that were live, so that they share the reading. */
  after: Position;
  /** From where the client lacks what is found there. */
  from: Position;
  /** From where an event is known to be missing, not only not known not to be. */
  readonly knownMissingFrom: Position | undefined;
  /** An event from before the cursor was found that the client lacks. */
  found: boolean;
}

/** Before all entries of a map. */
export const MAP_START: Position = 0;

const NOTHING: readonly (readonly [channel: string, after: Position])[] = [];

/**
 * Where a client stands in the channels of its connection: one position, and behind it the channels whose
 * announcements may not all have arrived before it was passed.
 *
 * A live connection passes positions on the word of announcements. One that was lost on the way shows only when the
 * next of its channel says what should have come before. A subscriber that stops being live therefore does not read from
 * the position. It reads each channel from its last announcement, or from where logs were read up to.
 */
export class Cursor {
  /** Changes when what is to be read does: a reading that was begun before is then of no use. */
  revision = 0;
  /** Up to here the client has what the logs had. */
  private read: Position;
  private unconfirmed: Map<Feed, UnconfirmedRange> | undefined;
  /** Channels that go on from before the cursor, and up to where their logs were read, until that is as far as of the others. */
  private lateReads: Map<Feed, Position> | undefined;
  /** State channels of whose map the client has a part, and the position from which on all removals were in the log as the map began. */
  private maps: Map<Feed, Position> | undefined;
  /** Channels that were added, and from where on the client gets their events. */
  starts: ReadonlyMap<Feed, Position> | undefined;

  constructor(public position: Position) {
    this.read = position;
  }

  get hasUnconfirmed(): boolean {
    return this.unconfirmed !== undefined;
  }

  /** From where the log of a channel is to be read. */
  readAfter(feed: Feed): Position {
    return this.unconfirmed?.get(feed)?.after ?? this.getStart(feed);
  }

  /** From where the client lacks what is read of a channel. */
  lacksAfter(feed: Feed): Position {
    return this.unconfirmed?.get(feed)?.from ?? this.getStart(feed);
  }

  /** The position before which nothing of a channel may be missing without the client being told. */
  gapAfter(feed: Feed): Position {
    return this.unconfirmed?.get(feed)?.knownMissingFrom ?? this.getStart(feed);
  }

  /**
   * A channel that is new to the connection begins after this position. The position may lie after the cursor, where events
   * of the other channels have yet to come. Where it lies before the cursor, the client is owed the events since.
   *
   * @param past the client stood there: what is missing since is a gap
   */
  startAt(feed: Feed, position: Position, past: boolean): void {
    this.revision++;
    if (position >= this.position) {
      this.starts = new Map(this.starts).set(feed, position);
    } else {
      this.unconfirmed ??= new Map();
      (this.lateReads ??= new Map()).set(feed, position);
      const knownMissingFrom = past ? position : undefined;
      this.unconfirmed.set(feed, { after: position, from: position, knownMissingFrom, found: false });
    }
  }

  /** The client is to get the map of a state channel anew: what it has of it counts no longer. */
  startMap(feed: Feed): void {
    this.endMaps((channel) => channel === feed);
    this.dropStarts((channel) => channel === feed);
    this.unconfirmed?.delete(feed);
    this.startAt(feed, MAP_START, true);
  }

  /** The client was told that the map begins. @param logStart of the log then */
  noteMapBegun(feed: Feed, logStart: Position): void {
    (this.maps ??= new Map()).set(feed, logStart);
  }

  /** Where the log began as the map began of which the client has a part. */
  mapBegunAt(feed: Feed): Position | undefined {
    return this.maps?.get(feed);
  }

  /** Whether the client has a part of some map: each id says so until it has the rest. */
  get isInMap(): boolean {
    return this.maps !== undefined;
  }

  /** Whether an event is after the beginning of its channel: an announcement from before may still have been on its way. */
  hasBegun(channel: string, position: Position): boolean {
    for (const [feed, start] of this.starts ?? []) if (feed.channel === channel) return position > start;
    return true;
  }

  /** The connection is no longer on the channel. */
  forget(feed: Feed): void {
    this.revision++;
    this.dropStarts((channel) => channel === feed);
    this.unconfirmed?.delete(feed);
    if (this.unconfirmed?.size === 0) this.unconfirmed = undefined;
    this.lateReads?.delete(feed);
    this.endMaps((channel) => channel === feed);
  }

  /**
   * @param seen the last event announced of the channel before what may be missing
   * @param certain an event is missing
   */
  markUnconfirmed(feed: Feed, seen: Position, certain: boolean): void {
    const read = this.lateReads?.get(feed) ?? this.read;
    const from = Math.max(seen, read, this.starts?.get(feed) ?? 0);
    if (from >= this.position) return;
    this.unconfirmed ??= new Map();
    const before = this.unconfirmed.get(feed);
    this.unconfirmed.set(feed, {
      after: Math.min(seen, before?.after ?? from),
      from: Math.min(from, before?.from ?? from),
      knownMissingFrom: before?.knownMissingFrom ?? (certain ? from : undefined),
      found: before?.found ?? false,
    });
    this.revision++;
  }

  /** What is before the cursor, and was not announced yet, may be missing. */
  markAllUnconfirmed(feeds: readonly Feed[]): void {
    for (const feed of feeds) this.markUnconfirmed(feed, feed.lastAnnounced, false);
  }

  /** The first event of the channel was found that the client lacks: it may be from before the cursor. */
  noteFound(feed: Feed, event: { readonly position: Position } | undefined): void {
    if (event === undefined || event.position >= this.position) return;
    const doubt = this.unconfirmed?.get(feed);
    if (doubt) doubt.found = true;
  }

  /**
   * Channels of which the client certainly lacks events from before a position, and after which position each.
   *
   * @param but a channel of which that is said already
   * @param upTo events are delivered in their order over all channels: of each the client has what was up to here
   */
  owed(before: Position, but?: Feed, upTo: Position = 0): readonly (readonly [string, Position])[] {
    if (this.unconfirmed === undefined && this.maps === undefined) return NOTHING;
    const owed: [string, Position][] = [];
    for (const [feed, logStart] of this.maps ?? []) {
      const from = this.unconfirmed?.get(feed)?.from ?? this.position;
      owed.push([toMapName(feed.channel, logStart), Math.min(Math.max(from, upTo), before)]);
    }
    for (const [feed, { from, knownMissingFrom, found }] of this.unconfirmed ?? []) {
      const after = Math.max(from, upTo);
      const isOwed = (found || knownMissingFrom !== undefined) && !this.maps?.has(feed);
      if (isOwed && feed !== but && after < before) owed.push([feed.channel, after]);
    }
    return owed;
  }

  /** Everything of every channel up to here was delivered; `fromLogs`: and it was all that the logs had. */
  reach(position: Position, fromLogs: boolean): void {
    if (fromLogs) this.readLogs(position);
    if (position >= this.position) {
      this.position = position;
      this.unconfirmed = undefined;
      this.endMaps((_, logStart) => logStart <= position);
      // Not before logs were read beyond it: until then that is from where the channel is in doubt.
      this.dropStarts((_, start) => start <= this.read);
      return;
    }
    for (const doubt of this.unconfirmed?.values() ?? []) {
      doubt.after = Math.max(doubt.after, position);
      doubt.from = Math.max(doubt.from, position);
    }
  }

  private readLogs(upTo: Position): void {
    for (const [feed, read] of this.lateReads ?? []) {
      if (upTo >= this.read) this.lateReads!.delete(feed);
      else if (upTo > read) this.lateReads!.set(feed, upTo);
    }
    if (this.lateReads?.size === 0) this.lateReads = undefined;
    if (upTo > this.read) this.read = upTo;
  }

  /** It stands elsewhere, and whatever was before is told of as a gap. */
  moveTo(position: Position): void {
    this.position = this.read = position;
    this.unconfirmed = this.starts = this.lateReads = this.maps = undefined;
    this.revision++;
  }

  /** It goes back to an earlier position. What was in doubt before that stays so. */
  setBack(position: Position): void {
    this.position = position;
    this.read = Math.min(this.read, position);
    for (const [feed, { from }] of this.unconfirmed ?? [])
      if (from >= position) this.unconfirmed!.delete(feed);
    if (this.unconfirmed?.size === 0) this.unconfirmed = undefined;
    for (const [feed, read] of this.lateReads ?? []) if (read >= position) this.lateReads!.delete(feed);
    if (this.lateReads?.size === 0) this.lateReads = undefined;
    this.revision++;
  }

  private getStart(feed: Feed): Position {
    const start = this.starts?.get(feed);
    return start !== undefined && start > this.position ? start : this.position;
  }

  private endMaps(isOver: (feed: Feed, logStart: Position) => boolean): void {
    for (const [feed, logStart] of this.maps ?? []) if (isOver(feed, logStart)) this.maps!.delete(feed);
    if (this.maps?.size === 0) this.maps = undefined;
  }

  private dropStarts(isOver: (feed: Feed, start: Position) => boolean): void {
    if (!this.starts) return;
    const left = [...this.starts].filter(([feed, start]) => !isOver(feed, start));
    this.starts = left.length > 0 ? new Map(left) : undefined;
  }
}
