import type { LogSlice } from '../broker/broker.interface.js';
import { leftAt } from '../broker/forks.js';
import {
  channelKey,
  formatLastEventId,
  parseLastEventId,
  parsePositionAfter,
  toMapName,
} from '../event/last-event-id.js';
import type { EventRecord } from '../event/event-record.js';
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
  const read = async (after: Position, records: number): Promise<LogSlice> => {
    const [slice] = await broker.read([{ channel, after }], {
      records: Math.max(1, records),
      bytes: Infinity,
    });
    return slice!;
  };
  const isStart = id === undefined || id === 'start';
  const point = isStart ? undefined : parsePositionAfter(id, channel, shards.map);
  const owed = isStart ? undefined : parseLastEventId(shards.map.entryFor(id, channel) ?? '', shard)?.owed;
  let after: Position = point?.position ?? MAP_START;
  let first = await read(after, limit);
  const rest = owed?.get(channelKey(toMapName(channel, first.logStart)));
  if (rest !== undefined) first = await read((after = rest), limit);
  const { records, upTo, head, isForgotten } = await fill(first, after, limit, read);
  const toId = (position: Position): string => formatEventId(position, line, shard);
  const isPart = upTo < head && (rest !== undefined || after === MAP_START);
  // A part of a map that was begun before removals were forgotten leads nowhere.
  const isStale = rest === undefined && (after < first.knownFrom || (owed?.size ?? 0) > 0);
  const isGone = point !== undefined && leftAt(broker.line.forks, point) !== undefined;
  return {
    events: records.map((record) => toSseEvent(channel, record)),
    cursor: isPart ? formatLastEventId(head, [[toMapName(channel, first.logStart), upTo]], toId) : toId(upTo),
    gap: isForgotten || isGone || isAhead(after, head) || (after > MAP_START && isStale),
  };
}

interface Filled {
  readonly records: readonly EventRecord[];
  readonly upTo: Position;
  readonly head: Position;
  /** Removals were forgotten meanwhile: a key that is in the page may be gone. */
  readonly isForgotten: boolean;
}

/** Of the beginning of a map, keys that were removed before say nothing, and take no place of the page. */
async function fill(
  first: LogSlice,
  after: Position,
  limit: number,
  read: (after: Position, records: number) => Promise<LogSlice>,
): Promise<Filled> {
  const isNoise = ({ kind, position }: EventRecord): boolean =>
    after === MAP_START && kind === 'r' && position <= first.head;
  let slice = first;
  const records = limit === 0 ? [] : slice.records.filter((record) => !isNoise(record));
  while (after === MAP_START && records.length < limit && slice.coveredUpTo < slice.head) {
    slice = await read(slice.coveredUpTo, limit - records.length);
    records.push(...slice.records.filter((record) => !isNoise(record)));
  }
  const { coveredUpTo, head, logStart } = slice;
  return {
    records,
    upTo: limit === 0 ? after : coveredUpTo,
    head,
    isForgotten: logStart > first.logStart && records.length > 0,
  };
}
