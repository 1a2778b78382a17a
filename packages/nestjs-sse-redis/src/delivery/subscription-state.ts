import type { Position } from '../event/position.js';

/** The state of the link over which the announcements of all feeds of this process come. */
export interface SubscriptionState {
  up: boolean;
  /** Everything announced before this position has been received. 0: nothing is known yet of this link. */
  watermark: Position;
  /** The latest position that was announced. */
  lastAnnounced: Position;
  /** The latest position that is known to have been given out. */
  lastAssigned: Position;
  /** The id of a position at which a client stands, on the line that the link leads to. */
  readonly toId: (position: Position) => string;
  /** How many late channels an id names at most. */
  readonly mostOwed: number;
}
