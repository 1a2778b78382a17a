import { UnexpectedReplyError } from '../../errors/unexpected-reply.error.js';
import { parseRecord } from '../../event/event-record.js';
import type { Position } from '../../event/position.js';
import type { LogExtent, LogSlice, ReadRequest } from '../broker.interface.js';

/** @throws UnexpectedReplyError for a reply that is not one of `read.lua` to these requests */
export function parseSlices(requests: readonly ReadRequest[], reply: unknown): LogSlice[] {
  if (!Array.isArray(reply) || reply.length !== requests.length + 1 || typeof reply[0] !== 'number') {
    throw new UnexpectedReplyError('Redis answered a reading of the logs with something else.');
  }
  const [head, ...slices] = reply as [Position, ...[Position, Position, number, ...Buffer[]][]];
  return slices.map(([logStart, coveredUpTo, ended, ...records], i) => ({
    channel: requests[i]!.channel,
    records: records.map(parseRecord),
    coveredUpTo,
    logStart,
    head,
    ended: ended === 1,
  }));
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
