import type { LogSlice } from '../broker/broker.interface.js';
import type { EventRecord } from '../event/event-record.js';
import type { Position } from '../event/position.js';
import type { BroadcastGroup, CreateGroup } from './broadcast-group.js';
import type { EventRing, HeldEvent } from './event-ring.js';
import type { SubscriptionState } from './subscription-state.js';
import type { HubCounters } from './hub-counters.js';
import type { MissedRange } from './losses/loss.js';
import { RecentEvents } from './recent-events.js';

/** A listener to a channel's events: a connection. */
export interface FeedListener {
  /**
   * An event was announced.
   *
   * @param group that the listener may join, to be given this event and those that follow
   * @returns whether it has joined: it no longer listens then, unless it comes back by `Feed.add`
   */
  receive(feed: Feed, record: EventRecord, group?: BroadcastGroup): boolean;
  /**
   * Something of this channel may not have been announced.
   *
   * @param seen the last of it that was
   * @param certain an event was not
   */
  missed(feed: Feed, seen: Position, certain: boolean): void;
}

/** A channel as this process hears it: one subscription, however many connections. */
export class Feed {
  /** The one who listens, of a channel that has one: most have, where each user has a channel, and a set for each would cost more. */
  private listener: FeedListener | undefined = undefined;
  /** Those who listen, once there were several. */
  private listeners: Set<FeedListener> | undefined = undefined;
  /** The sinks of those of several listeners that are given events together. */
  private group: BroadcastGroup | undefined = undefined;
  private readonly recent: RecentEvents;
  /** The newest event that was announced before the link was lost; 0: none, or what came of it is settled. */
  newestBefore: Position = 0;
  /** The newest event that was announced, or the position from which on all are. 0: not known yet. */
  lastAnnounced: Position = 0;
  /** Up to here an audit found nothing in the log that was not announced on this link. 0: none has looked. */
  auditedUpTo: Position = 0;
  /** The newest retained event that was announced, or read, on this link. 0: none was. */
  private newest: Position = 0;
  /** The number of the newest event of a state channel; undefined while it is not known. */
  newestCount: number | undefined;
  private wasLost = false;
  /** Where the channel's stream ended, infinite if it goes on; not known before an event or a reading has told. */
  private endedAt: Position | undefined;

  constructor(
    readonly channel: string,
    private readonly link: SubscriptionState,
    private readonly counters: HubCounters,
    ring: EventRing,
    private readonly createGroup: CreateGroup,
    private readonly onMissed?: MissedRange,
    /** Its log has the newest event of each key. Memory would have all: who lacks some of it reads the log. */
    readonly isState = false,
  ) {
    this.recent = new RecentEvents(ring);
  }

  /** The newest retained event that this process heard of the channel; 0: none. */
  get newestHeard(): Position {
    return Math.max(this.newest, this.newestBefore);
  }

  add(listener: FeedListener): void {
    if (this.listeners) this.listeners.add(listener);
    else if (!this.listener || this.listener === listener) {
      this.listener = listener;
      return;
    } else {
      this.listeners = new Set([this.listener, listener]);
      this.listener = undefined;
    }
  }

  remove(listener: FeedListener): void {
    if (this.listener === listener) this.listener = undefined;
    else this.listeners?.delete(listener);
  }

  /**
   * Announcements arrive: all after this position do.
   *
   * The position comes over another connection than they, and may come first or last. An announcement that came first
   * has told by its `prev` from where on nothing is missing. Others from before the position may still follow it.
   */
  ready(position: Position): void {
    if (this.recent.from !== Infinity) return;
    this.recent.beginAfter(position);
    this.lastAnnounced = position;
  }

  /**
   * Announcements no longer arrive.
   *
   * @param wasUp false where the link broke again before it was restored: nobody was sent what was announced on it
   */
  linkLost(wasUp: boolean): void {
    this.wasLost = true;
    if (wasUp) this.newestBefore = Math.max(this.newestBefore, this.newest);
    this.lastAnnounced = this.newest = 0;
    this.endedAt = this.newestCount = undefined;
    this.recent.clear(Infinity);
  }

  /** @param position from after the acknowledgement of all subscriptions that were lost */
  linkRestored(position: Position): void {
    // One that is newer has an acknowledgement of its own, which may be later than this position.
    if (this.wasLost) this.ready(position);
    this.wasLost = false;
  }

  receive(record: EventRecord): void {
    if (record.position <= this.lastAnnounced) return;
    if (record.prev > this.lastAnnounced) this.lookForMissed(record);
    this.lastAnnounced = record.position;
    if (!record.ephemeral) {
      this.newest = record.position;
      this.endedAt = getEnd(record);
      if (this.isState) this.recent.clear(record.position);
      else this.recent.add(record);
      this.newestCount = record.keyed?.count;
    }
    if (this.listener) this.listener.receive(this, record);
    else if (this.listeners) this.broadcast(record, this.listeners);
  }

  /** Sends an event to several listeners: to those of the group with one call, to each other by itself. */
  private broadcast(record: EventRecord, listeners: Set<FeedListener>): void {
    const group = (this.group ??= this.createGroup());
    this.takeBackLeft(group);
    const isAccepted = group.accepts(this.channel, record);
    if (!isAccepted) this.disbandGroup();
    // What a group was sent of a state channel, its members could not count.
    const joinable = isAccepted && group.isIdle && !this.isState ? group : undefined;
    for (const listener of listeners) {
      if (listener.receive(this, record, joinable)) listeners.delete(listener);
      // Code of the application may have made a member leave: it is given this event in this loop.
      this.takeBackLeft(group);
    }
    if (!isAccepted || group.size === 0) return;
    group.send(this.channel, record);
    this.counters.delivered += group.size;
  }

  private disbandGroup(): void {
    const { group } = this;
    if (!group) return;
    this.takeBackLeft(group);
    for (const member of group.members()) member.leaveGroup();
  }

  /** Subscribers whose sinks have left the group listen again. */
  private takeBackLeft(group: BroadcastGroup): void {
    for (const member of group.takeLeft()) member.leaveGroup();
  }

  /** Whether memory holds every event after this position. */
  covers(position: Position): boolean {
    return this.recent.covers(position);
  }

  /** The events in memory after this position. @param hasPastEnds also each `end` that a later event of the channel follows */
  eventsAfter(position: Position, hasPastEnds = false): HeldEvent[] {
    const events = this.recent.after(position);
    if (hasPastEnds) return events;
    return events.filter((event) => !event.isEnd || !this.goesOnAfter(event.position));
  }

  /**
   * Whether a retained event is known to follow the event at this position: an `end` there is then of the past.
   *
   * @param slice that has the event
   */
  goesOnAfter(position: Position, slice?: LogSlice): boolean {
    if (this.newest > position) return true;
    // A slice that does not reach the position of now was cut: its last record is not the last of the log.
    return (
      slice !== undefined && (slice.coveredUpTo < slice.head || slice.records.at(-1)!.position > position)
    );
  }

  /** Whether the channel's stream is known to have ended after this position. */
  endsAfter(position: Position): boolean {
    return this.endedAt !== undefined && this.endedAt !== Infinity && this.endedAt > position;
  }

  /** Whether it is known if the channel's stream has ended. */
  get knowsEnd(): boolean {
    return this.endedAt !== undefined;
  }

  /** A reading of the log tells whether the stream has ended, if nothing newer was heard. */
  learnEnd({ records, coveredUpTo: upTo, head: last, ended }: LogSlice): void {
    const newest = records.at(-1);
    if (newest && newest.position > this.newest) {
      [this.newest, this.endedAt] = [newest.position, undefined];
      this.newestCount = newest.keyed?.count;
    }
    if (this.endedAt !== undefined || upTo < last || last < Math.max(this.lastAnnounced, this.newest)) return;
    // Not heard of here, the end was before all that memory covers, and only of that it will be asked.
    this.endedAt = newest ? getEnd(newest) : ended ? 0 : Infinity;
  }

  /** What was read of the log for one connection spares the next one the reading. */
  keep(after: Position, { records, coveredUpTo: upTo, head: last, logStart }: LogSlice): void {
    const isWhole = logStart <= after && upTo === last;
    if (this.isState || !isWhole || this.recent.covers(after)) return;
    const { from } = this.recent;
    if (last < from) return;
    // Else memory would be ahead of that of other feeds, whose announcements from before are still on their way.
    if (from > this.link.lastAnnounced) return;
    const older = records.filter(({ position }) => position <= from);
    this.recent.extendBack(after, older);
  }

  /** Events up to this position are in the log, and their announcements were lost. */
  announcementsLost(upTo: Position): void {
    this.beginAnew(upTo, true);
    this.lastAnnounced = upTo;
  }

  /** What came before this announcement was not seen. Perhaps there was nothing. */
  private lookForMissed({ prev, first, position }: EventRecord): void {
    const { lastAnnounced: seen } = this;
    // No event, but a bound, and within what the watermark has proved.
    if (first && seen > 0 && prev <= this.link.watermark) return;
    this.beginAnew(prev, !first);
    if (seen > 0 && !first) this.onMissed?.({ channel: this.channel, after: seen, upTo: prev }, position);
  }

  /** Memory is whole only from this position on, and all who listen catch up with what is before it. */
  private beginAnew(from: Position, certain: boolean): void {
    this.recent.clear(from);
    // What was missed may have been the end, or something after it.
    this.endedAt = undefined;
    // Before the first announcement, or position, there is nothing to compare with, and nobody is live.
    if (this.lastAnnounced === 0) return;
    this.listener?.missed(this, this.lastAnnounced, certain);
    this.disbandGroup();
    for (const listener of this.listeners ?? []) listener.missed(this, this.lastAnnounced, certain);
  }
}

function getEnd(record: EventRecord): Position {
  return record.kind === 'x' ? record.position : Infinity;
}
