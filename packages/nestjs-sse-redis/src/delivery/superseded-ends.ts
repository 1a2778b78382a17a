import type { LogSlice } from '../broker/broker.interface.js';
import type { EventRecord } from '../event/event-record.js';
import type { Position } from '../event/position.js';
import type { Feed } from './feed.js';

/**
 * The records of a slice, without each `end` that a later retained event of the channel follows.
 *
 * An `end` tells of the present: the stream of the channel is over. In a log that goes on after it, it tells of an
 * earlier run. A client that took it for the present would leave the run that is going on.
 */
export function withoutSupersededEnds(feed: Feed, slice: LogSlice): readonly EventRecord[] {
  return slice.records.filter(({ kind, position }) => kind !== 'x' || !feed.goesOnAfter(position, slice));
}

/** Whether the channel has a retained event after this position, by the records that were read or by announcement. */
export function hasEventsAfter(position: Position, feed: Feed, { records }: LogSlice): boolean {
  return (records.at(-1)?.position ?? 0) > position || feed.goesOnAfter(position);
}
