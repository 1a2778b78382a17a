import type { LogExtent, LogRange } from '../../broker/broker.interface.js';
import { POSITIONS_PER_MS, type Position } from '../../event/position.js';
import type { Gap } from '../../event/gap.js';

/** The channel of the hub in whose log the losses are; no channel of an application has a control character. */
export const LOSSES_CHANNEL = '\u0001losses';

/**
 * Events of a channel that were stored and not announced to a node.
 *
 * Between the loss and its discovery the node sent its clients newer ids. A client that left with one of them resumes
 * behind the events, and no log shows whether it has them.
 */
export interface Loss extends LogExtent {
  readonly channel: string;
  /** The last event of the channel before the lost ones that the node heard, or a position from which on it heard all. */
  readonly after: Position;
  /** From this position on the node sends ids only after the repair. */
  readonly until: Position;
}

/**
 * Events of a range were not announced, as a later announcement tells.
 *
 * @param until from this position on ids are sent only after the repair
 */
export type MissedRange = (range: LogRange, until: Position) => void;

/** The gap of a client that claims a position; undefined for one that the loss does not concern. */
export function toGap(loss: Loss, claimed: Position): Gap | undefined {
  if (claimed < loss.first || claimed >= loss.until) return undefined;
  // Events after the claimed position, and those after the lost ones, are replayed.
  return { channel: loss.channel, from: loss.after, to: Math.min(claimed, loss.last) };
}

/** Whether every client that the second one concerns is told of at least as much by the first one. */
export function covers(known: Loss, loss: Loss): boolean {
  return (
    known.after <= loss.after &&
    known.first <= loss.first &&
    known.last >= loss.last &&
    known.until >= loss.until
  );
}

/** One loss that covers two of the same channel. */
export function merge(a: Loss, b: Loss): Loss {
  return {
    channel: a.channel,
    after: Math.min(a.after, b.after),
    first: Math.min(a.first, b.first),
    last: Math.max(a.last, b.last),
    until: Math.max(a.until, b.until),
  };
}

/** Whether a position is older than an age (ms), by the clock of this machine. */
export function isOlder(position: Position, age: number): boolean {
  return position < (Date.now() - age) * POSITIONS_PER_MS;
}

/** The losses in an event of `LOSSES_CHANNEL`; none in one that something else wrote. */
export function lossesIn(data: unknown): Loss[] {
  return Array.isArray(data) ? data.filter(isLoss) : [];
}

function isLoss(value: unknown): value is Loss {
  if (typeof value !== 'object' || value === null) return false;
  const { channel, after, first, last, until } = value as Record<string, unknown>;
  return (
    typeof channel === 'string' &&
    [after, first, last, until].every((position) => Number.isSafeInteger(position))
  );
}
