import type { EventRecord } from '../event/event-record.js';
import type { Position } from '../event/position.js';

/** A subscriber, as the group of its sink knows it. */
export interface GroupMember {
  /** Leaves the group, takes its position, and listens to the feed again. Does nothing where it has left. */
  leaveGroup(): void;
}

/**
 * Sinks of live subscribers that are given a channel's events, and nothing else, with one call for all of them.
 *
 * A member is not asked for each event whether it can take it: a sink that cannot leaves. Its subscriber then stands at the
 * position that the group had, and listens to the feed again before the next event (decision 013).
 */
export interface BroadcastGroup {
  /** The position of the last event. */
  readonly position: Position;
  readonly size: number;
  /** Whether everything was written, so that sinks may join. */
  readonly isIdle: boolean;
  /** Whether the group can be given this event. If not, all members are to leave. */
  accepts(channel: string, record: EventRecord): boolean;
  send(channel: string, record: EventRecord): void;
  /** The subscribers of all members. */
  members(): readonly GroupMember[];
  /** The subscribers whose sinks have left by themselves since the last call. */
  takeLeft(): readonly GroupMember[];
}

/** Creates a group for the sinks of one channel. */
export type CreateGroup = () => BroadcastGroup;
