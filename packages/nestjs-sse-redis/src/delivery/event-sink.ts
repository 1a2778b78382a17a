import type { EventRecord } from '../event/event-record.js';
import type { BroadcastGroup, GroupMember } from './broadcast-group.js';
import type { GapNotice } from '../event/gap.js';
import type { MapNotice } from '../event/map-notice.js';
import type { Position } from '../event/position.js';

/** A connection, as its sink knows it. */
export interface EventSinkListener extends GroupMember {
  /** The id that the client has, once it has been given all that the sink was given. */
  readonly lastId: string | undefined;
  /** The sink has taken everything that it was given. */
  drained(): void;
}

/**
 * Where a connection's events go: a response, or an Observable.
 *
 * Each method returns whether the sink takes more. After a `false` it takes more once it has called `drained`.
 */
export interface EventSink {
  /**
   * The beginning.
   *
   * @param id where the client stands; undefined if that cannot be said
   * @param retry ms until it is to come back after a loss
   */
  open(id: string | undefined, retry: number | undefined): boolean;
  event(channel: string, record: EventRecord): boolean;
  /** An event from before the position. @param id its own, and where the client stands (event/last-event-id.ts) */
  late(channel: string, record: EventRecord, id: string): boolean;
  /** Where the client stands, without an event. */
  position(id: string): boolean;
  /** @param id that the client has after it */
  gap(gap: GapNotice, id: string | undefined): boolean;
  /** What the hub says of a state channel. @param id that the client has after it */
  map(notice: MapNotice, id: string): boolean;
  /** The lines of an event that is in no log. @param id that the client has, and keeps */
  message(id: string, text: string): boolean;
  /** It is given each `end`, also one that later events of the channel follow: it goes on behind them. */
  readonly isEndless?: boolean;
  /** Set by the connection. */
  subscriber: EventSinkListener | undefined;
  /** It has been given all that there was, and is given the rest as it is announced. */
  live?(): void;
  /** Joins a group of sinks, if it has nothing of its own to write. Returns whether it did. */
  join(group: BroadcastGroup): boolean;
  /**
   * Leaves its group, and goes on with the frames that the group was given and has not written.
   *
   * @returns the position of the group when the sink left it, now or by itself
   */
  leaveGroup(): Position;
  /** Whether it may end, as all channels of the subscriber have. */
  mayEnd(): boolean;
  /** There will be nothing more. */
  end(): void;
}
