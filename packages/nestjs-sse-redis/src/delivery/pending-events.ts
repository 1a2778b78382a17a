import type { LogSlice } from '../broker/broker.interface.js';
import type { EventRecord } from '../event/event-record.js';
import type { Position } from '../event/position.js';
import type { Cursor } from './cursor.js';
import type { Feed } from './feed.js';
import { withoutSupersededEnds } from './superseded-ends.js';

/** An event that the client lacks. */
export interface PendingEvent {
  readonly feed: Feed;
  readonly position: Position;
  /** Its record is copied from memory only when it is sent. */
  readonly event: { readonly record: EventRecord };
}

/** What was read of a channel. */
export interface CoveredSlice {
  readonly slice: LogSlice;
  /** The position that the slices of all channels cover. */
  readonly upTo: Position;
}

/** The events in memory that a client at this cursor lacks. @param hasPastEnds also each `end` that a later event follows */
export function collectFromMemory(
  cursor: Cursor,
  feeds: readonly Feed[],
  hasPastEnds: boolean,
): PendingEvent[] {
  return feeds.flatMap((feed) => {
    const lacking = feed.eventsAfter(cursor.lacksAfter(feed), hasPastEnds);
    cursor.noteFound(feed, lacking[0]);
    return lacking.map((event) => ({ feed, position: event.position, event }));
  });
}

/** The events of a slice that a client at this cursor lacks. @param hasPastEnds also each `end` that a later event follows */
export function collectFromSlice(
  cursor: Cursor,
  feed: Feed,
  { slice, upTo }: CoveredSlice,
  hasPastEnds: boolean,
): PendingEvent[] {
  const lacksAfter = cursor.lacksAfter(feed);
  const isLacking = ({ position }: EventRecord) => position > lacksAfter;
  cursor.noteFound(feed, slice.records.find(isLacking));
  const records = hasPastEnds ? slice.records : withoutSupersededEnds(feed, slice);
  return records
    .filter((record) => isLacking(record) && record.position <= upTo)
    .map((record) => ({ feed, position: record.position, event: { record } }));
}
