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
  /** The outlet has taken everything that it was given. */
  drained(): void;
}

/**
 * Where a connection's events go: a response, or an Observable.
 *
 * Every method tells whether more may be given; after a `false`, not before it was `drained`.
 */
export interface Outlet {
  event(channel: string, record: EventRecord): boolean;
  /** The position alone, without an event. */
  position(position: Position): boolean;
  /** @param position where the client stands after it */
  gap(gap: Gap, position: Position): boolean;
  /** The lines of an event that is in no log. @param position where the client stands, and goes on to stand */
  message(position: Position, text: string): boolean;
  /** Set by the connection. */
  connection: OutletListener | undefined;
  /** There will be nothing more. */
  end(): void;
}
