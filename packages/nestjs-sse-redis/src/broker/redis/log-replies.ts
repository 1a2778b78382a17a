import { UnexpectedReplyError } from '../../errors/unexpected-reply.error.js';
import { parseRecord, type EventRecord } from '../../event/event-record.js';
import type { Position } from '../../event/position.js';
import type { LogExtent, LogSlice, ReadRequest } from '../broker.interface.js';

/**
 * Entries that the hub did not write are left out: one of them must not keep the clients of all channels that were read
 * with it from catching up. A client that lacks them is told of a gap.
 *
 * @param onUnreadable called for each of them
 * @throws UnexpectedReplyError for a reply that is not one of `read.lua` to these requests
 */
export function parseSlices(
  requests: readonly ReadRequest[],
  reply: unknown,
  onUnreadable: (channel: string, error: UnexpectedReplyError) => void,
): LogSlice[] {
  if (!Array.isArray(reply) || reply.length !== requests.length + 1 || typeof reply[0] !== 'number') {
    throw new UnexpectedReplyError('Redis answered a reading of the logs with something else.');
  }
  const [head, ...slices] = reply as [Position, ...[Position, Position, number, Position, ...Buffer[]][]];
  return slices.map(([logStart, coveredUpTo, ended, knownFrom, ...entries], i) => {
    const { channel } = requests[i]!;
    const { records, wholeFrom } = parseRecords(entries, coveredUpTo, (error) =>
      onUnreadable(channel, error),
    );
    return {
      channel,
      records,
      coveredUpTo,
      logStart: Math.max(logStart, wholeFrom),
      knownFrom: Math.max(knownFrom, wholeFrom),
      head,
      ended: ended === 1,
    };
  });
}

/** Returns the records, and the position from which on all of them are readable. */
function parseRecords(
  entries: readonly Buffer[],
  coveredUpTo: Position,
  onUnreadable: (error: UnexpectedReplyError) => void,
): { records: EventRecord[]; wholeFrom: Position } {
  const records: EventRecord[] = [];
  let wholeFrom = 0;
  let isWhole = true;
  for (const entry of entries) {
    try {
      const record = parseRecord(entry);
      // The position of the entry before it, which could not be read.
      if (!isWhole) wholeFrom = record.prev;
      isWhole = true;
      records.push(record);
    } catch (error) {
      if (!(error instanceof UnexpectedReplyError)) throw error;
      onUnreadable(error);
      isWhole = false;
    }
  }
  return { records, wholeFrom: isWhole ? wholeFrom : coveredUpTo };
}

/** @param count the number of ranges that `extents.lua` was asked for */
export function parseExtents(count: number, reply: unknown): (LogExtent | undefined)[] {
  const extents = Array.from<LogExtent | undefined>({ length: count });
  if (!Array.isArray(reply))
    throw new UnexpectedReplyError('Redis answered a look into the logs with something else.');
  for (const [index, first, last] of reply as [number, Position, Position][]) {
    extents[index - 1] = { first, last };
  }
  return extents;
}
