import type { Position } from '../event/position.js';

/** What is known of the link over which all feeds of this process are announced their events. */
export interface SubscriptionState {
  up: boolean;
  /** Everything announced before this position has been received. 0: nothing is known yet of this link. */
  watermark: Position;
  /** The latest position that was announced. */
  lastAnnounced: Position;
  /** The latest position that is known to have been given out. */
  lastAssigned: Position;
}
