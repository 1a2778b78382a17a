import type { Gap } from '../event/gap.js';
import type { Position } from '../event/position.js';
import type { GapCause } from './hub-counters.js';

/** The position at which a subscriber begins. */
export interface StartPosition {
  readonly cursor: Position;
  /** Channels of which the client lacks events from before the cursor, and the position after which it lacks them. */
  readonly owed?: ReadonlyMap<string, Position>;
  /** Gaps that precede everything else, since they cannot be recovered. */
  readonly gaps?: readonly StartGap[];
  /** The id that the client came with. It keeps this id until it was sent all gaps. */
  readonly sentId?: string | undefined;
  /** Of a newcomer: channels that begin before the cursor, and after which position. */
  readonly starts?: ReadonlyMap<string, Position>;
  /** Of a newcomer: channels of which it has everything before where it begins. */
  readonly claims?: ReadonlyMap<string, Position>;
  /** State channels of whose map the client has a part, and where the log began as the map began. */
  readonly maps?: ReadonlyMap<string, Position>;
  /** The client returns. A channel that ended before has ended for it. */
  readonly resumed: boolean;
}

export interface StartGap extends Gap {
  readonly cause: GapCause;
}
