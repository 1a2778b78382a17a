import type { LogSlice } from '../broker/broker.interface.js';
import { leftAt } from '../broker/forks.js';
import {
  channelKey,
  formatLastEventId,
  parseLastEventId,
  parsePositionAfter,
  toMapName,
} from '../event/last-event-id.js';
import { formatEventId, isAhead, type Position } from '../event/position.js';
import { MAP_START } from './cursor.js';
import type { HistoryPage } from './history-page.js';
import { toSseEvent } from './observable-sink.js';
import type { Shards } from './shards/shards.js';

/**
 * Reads the map of a state channel, in the order in which its events were published; or what changed after an id.
 *
 * @param id undefined or `'start'`: the map from its beginning. The cursor of a page with a part of the map leads to the rest
 * @throws InvalidEventIdError | RedisUnavailableError
 */
export async function readMap(
  shards: Pick<Shards, 'of' | 'map'>,
  channel: string,
  id: string | undefined,
  limit: number,
): Promise<HistoryPage> {
  const { broker } = shards.of(channel);
  const { line, shard } = broker.line;
  const read = async (after: Position): Promise<LogSlice> => {
    const [slice] = await broker.read([{ channel, after }], { records: Math.max(1, limit), bytes: Infinity });
    return slice!;
  };
  const isStart = id === undefined || id === 'start';
  const point = isStart ? undefined : parsePositionAfter(id, channel, shards.map);
  const owed = isStart ? undefined : parseLastEventId(shards.map.entryFor(id, channel) ?? '', shard)?.owed;
  let after: Position = point?.position ?? MAP_START;
  let slice = await read(after);
  const rest = owed?.get(channelKey(toMapName(channel, slice.logStart)));
  if (rest !== undefined) slice = await read((after = rest));
  const { records, logStart, head, coveredUpTo } = slice;
  const toId = (position: Position): string => formatEventId(position, line, shard);
  // Of the beginning of a map, removals say nothing.
  const events = records
    .slice(0, limit)
    .filter(({ kind }) => after > MAP_START || kind !== 'r')
    .map((record) => toSseEvent(channel, record));
  const upTo = limit === 0 ? after : coveredUpTo;
  const isPart = upTo < head && (rest !== undefined || after === MAP_START);
  // A part of a map that was begun before removals were forgotten leads nowhere.
  const isStale = rest === undefined && (after < logStart || (owed?.size ?? 0) > 0);
  const isGone = point !== undefined && leftAt(broker.line.forks, point) !== undefined;
  return {
    events,
    cursor: isPart ? formatLastEventId(head, [[toMapName(channel, logStart), upTo]], toId) : toId(upTo),
    gap: isGone || isAhead(after, head) || (after > MAP_START && isStale),
  };
}
