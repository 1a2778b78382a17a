import type { Position } from './position.js';

/** Events between a client's position and the oldest that is still retained. */
export interface Gap {
  readonly channel: string;
  /** Up to here the client has everything of the channel; null if what it gave as its position is none of this hub. */
  readonly from: Position | null;
  /** From here on nothing is missing. */
  readonly to: Position;
}
