import type { EventRecord } from '../event/event-record.js';
import type { Position } from '../event/position.js';

/** Events between a client's position and the oldest that is still retained. */
export interface Gap {
  readonly channel: string;
  /** Up to here the client has everything of the channel; null if what it gave as its position is none of this hub. */
  readonly from: Position | null;
  /** From here on nothing is missing. */
  readonly to: Position;
}

/** A connection, as its outlet knows it. */
export interface OutletListener {
  /** The id that the client has, once it has been given all that the outlet was given. */
  readonly lastId: string;
  /** The outlet has taken everything that it was given. */
  drained(): void;
  /** It is to leave its unison, before it is given anything else. */
  part(): void;
}

/**
 * Outlets of live connections that are given a channel's events, and nothing else, with one call for all of them.
 *
 * Those in it are not asked for each event whether they can take it: who cannot, leaves. The connection of who leaves then
 * stands at the unison's position.
 */
export interface Unison {
  /** Of the last event. */
  readonly position: Position;
  /** How many are in it. */
  readonly size: number;
  /** It was given nothing that it has not written, so that outlets may join. */
  readonly isIdle: boolean;
  /** Whether it may be given this event. If not, it is to be dissolved. */
  takes(record: EventRecord): boolean;
  event(record: EventRecord): void;
  /** All are to leave. */
  dissolve(): void;
}

/**
 * Where a connection's events go: a response, or an Observable.
 *
 * What gives it something tells whether more may be given; after a `false`, not before it was `drained`.
 */
export interface Outlet {
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
  /** The position alone, without an event. @param id where events from before it are owed: what stands in its place */
  position(position: Position, id?: string): boolean;
  /** @param id that the client has after it */
  gap(gap: Gap, id: string | undefined): boolean;
  /** The lines of an event that is in no log. @param id that the client has, and keeps */
  message(id: string, text: string): boolean;
  /** Set by the connection. */
  connection: OutletListener | undefined;
  /** That it is in. */
  readonly unison?: Unison | undefined;
  /** A unison for outlets like this one. Without it, there is none for them. */
  createUnison?(): Unison;
  /** Joins a unison, if it has nothing to write of its own, and returns whether it did. */
  join?(unison: Unison): boolean;
  /** Leaves its unison, and goes on with what was given to that and is not yet written. */
  leave?(): void;
  /** It has been given all that there was, and is given the rest as it is announced. */
  live?(): void;
  /** There will be nothing more. */
  end(): void;
}
