import type { LogExtent, LogRange } from '../../broker/broker.interface.js';
import type { Position } from '../../event/position.js';
import type { Gap } from '../../event/gap.js';

/** The channel of the hub in whose log the losses are; no channel of an application has a control character. */
export const LOSSES_CHANNEL = '\u0001losses';

/**
 * Events of a channel that were stored and not announced to a node, or that a failover lost.
 *
 * Between the loss and its discovery the node sent its clients newer ids. A client that left with one of them resumes
 * behind the events, and no log shows whether it has them.
 */
export interface Loss extends LogExtent {
  readonly channel: string;
  /** They were acknowledged, or announced, by a server that was replaced: no log has them, and no client gets them. */
  readonly isFailover?: true;
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

/** Where a client began on a channel. */
export interface Beginning {
  readonly position: Position;
  /** It came back with this position, from whatever node; else it was new, and began at now. */
  readonly isReturn: boolean;
  /** It came back with an id that says that it lacks events of the channel: it is sent them from the log. */
  readonly isOwed?: boolean;
}

/** The gap of a client; undefined for one that the loss does not concern. */
export function toGap(loss: Loss, { position, isReturn, isOwed }: Beginning): Gap | undefined {
  const { channel, after: from, first, last, until } = loss;
  if (loss.isFailover)
    return position < (isReturn || isOwed ? until : last) ? { channel, from, to: last } : undefined;
  if (!isReturn || position < first || position >= until) return undefined;
  // Events after the claimed position, and those after the lost ones, are replayed.
  return { channel, from, to: Math.min(position, last) };
}

/** Whether every client that the second one concerns is told of at least as much by the first one. */
export function covers(known: Loss, loss: Loss): boolean {
  return (
    known.isFailover === loss.isFailover &&
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
    ...((a.isFailover || b.isFailover) && { isFailover: true }),
  };
}

/** The losses in an event of `LOSSES_CHANNEL`; none in one that something else wrote. */
export function lossesIn(data: unknown): Loss[] {
  return Array.isArray(data) ? data.filter(isLoss) : [];
}

function isLoss(value: unknown): value is Loss {
  if (typeof value !== 'object' || value === null) return false;
  const { channel, after, first, last, until, isFailover = true } = value as Record<string, unknown>;
  return (
    typeof channel === 'string' &&
    isFailover === true &&
    [after, first, last, until].every((position) => Number.isSafeInteger(position))
  );
}
