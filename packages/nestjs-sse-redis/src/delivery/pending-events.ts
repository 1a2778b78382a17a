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

/** The events in memory that a client at this cursor lacks. */
export function collectFromMemory(cursor: Cursor, feeds: readonly Feed[]): PendingEvent[] {
  return feeds.flatMap((feed) => {
    const lacking = feed.eventsAfter(cursor.lacksAfter(feed));
    cursor.noteFound(feed, lacking[0]);
    return lacking.map((event) => ({ feed, position: event.position, event }));
  });
}

/** The events of a slice that a client at this cursor lacks. @param upTo the position that all slices cover */
export function collectFromSlice(
  cursor: Cursor,
  feed: Feed,
  slice: LogSlice,
  upTo: Position,
): PendingEvent[] {
  const lacksAfter = cursor.lacksAfter(feed);
  const isLacking = ({ position }: EventRecord) => position > lacksAfter;
  cursor.noteFound(feed, slice.records.find(isLacking));
  return withoutSupersededEnds(feed, slice)
    .filter((record) => isLacking(record) && record.position <= upTo)
    .map((record) => ({ feed, position: record.position, event: { record } }));
}
