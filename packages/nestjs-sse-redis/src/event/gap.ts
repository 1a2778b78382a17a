import type { Position } from './position.js';

/** Events between a client's position and the oldest that is still retained. */
export interface Gap {
  readonly channel: string;
  /** Up to here the client has everything of the channel; null if what it gave as its position is none of this hub. */
  readonly from: Position | null;
  /** From here on nothing is missing. */
  readonly to: Position;
}

/** A gap as clients and `hub.events()` are told of it, with event ids. */
export interface GapNotice {
  readonly channel: string;
  readonly from: string | null;
  readonly to: string;
}

/** @param toId the id of a position at which a client stands */
export function describeGap({ channel, from, to }: Gap, toId: (position: Position) => string): GapNotice {
  return { channel, from: from === null ? null : toId(from), to: toId(to) };
}
