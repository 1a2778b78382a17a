import type { Broker, LogSlice, LogStart } from '../broker/broker.interface.js';
import { isOfUnknownLine, isReplaced, leftAt } from '../broker/forks.js';
import { parseChannel } from '../event/channel-name.js';
import type { ChannelLike } from '../event/channel-reference.js';
import { parseCount } from '../event/count.js';
import { checkOptions } from '../event/known-options.js';
import { parsePositionAfter } from '../event/last-event-id.js';
import { formatEventId, isAhead, type Position } from '../event/position.js';
import type { Shards } from './shards/shards.js';
import type { HistoryPage } from './history-page.js';
import { readMap } from './map-history.js';
import { replacedServer } from './lines.js';
import { isRunStart, toSseEvent } from './observable-sink.js';

const DEFAULT_LIMIT = 100;
const HISTORY_OPTIONS: ReadonlySet<string> = new Set(['limit', 'after']);

/** Options of `hub.history()`. */
export interface HistoryOptions {
  /** At most this many events. Default 100, at most 1,000. */
  readonly limit?: number;
  /**
   * The events after this event id, oldest first; `'start'`: from the first that is retained. Left out: the last ones. Of a state channel
   * `'start'` is the default, and is the map.
   */
  readonly after?: string;
}

/** Reads retained events of a channel. @throws InvalidChannelError | InvalidEventIdError | InvalidArgumentError | RedisUnavailableError */
export async function readHistory(
  shards: Pick<Shards, 'of' | 'map'>,
  channel: ChannelLike,
  options: HistoryOptions,
): Promise<HistoryPage> {
  checkOptions('history()', options, HISTORY_OPTIONS);
  const { limit: wanted, after } = options;
  const name = parseChannel(channel);
  const page = await readLog(shards, name, { after, limit: parseCount('limit', wanted ?? DEFAULT_LIMIT) });
  if (page.gap || after === undefined || after === 'start') return page;
  const positionOf = (id: string): Position => parsePositionAfter(id, name, shards.map).position;
  const lacks = shards.of(name).lost.isIn(name, positionOf(after), positionOf(page.cursor));
  return lacks ? { ...page, gap: true } : page;
}

/** The same of a log that may be the hub's own, without what only notices of losses tell. @throws InvalidEventIdError | RedisUnavailableError */
export async function readLog(
  shards: Pick<Shards, 'of' | 'map'>,
  name: string,
  { after: id, limit }: { readonly after: string | undefined; readonly limit: number },
): Promise<HistoryPage> {
  const { broker, feeds } = shards.of(name);
  if (feeds.isState(name)) return readMap(shards, name, id, limit);
  const start = id === undefined || id === 'start' ? undefined : parsePositionAfter(id, name, shards.map);
  const begin = id === 'start' ? await findStart(broker, name) : undefined;
  const after = begin?.after ?? start?.position ?? (await broker.positionBefore([name], limit));
  let slice = await read(broker, name, after, limit);
  // The answer tells of lines that are new to this process.
  const left = start && leftAt(broker.line.forks, start);
  if (left !== undefined) slice = await read(broker, name, left, limit);
  const { records, logStart, head, coveredUpTo } = slice;
  if (start && isReplaced(broker.line, start, head)) throw replacedServer();
  const events = records
    .slice(0, limit)
    .map((record) => toSseEvent(name, record))
    .filter((event) => !isRunStart(event));
  const cursor = limit === 0 ? Math.min(left ?? after, head) : coveredUpTo;
  return {
    events,
    cursor: formatEventId(cursor, broker.line.line, broker.line.shard),
    gap:
      begin?.isTrimmed === true ||
      isAhead(after, head) ||
      after < logStart ||
      left !== undefined ||
      (start !== undefined && isOfUnknownLine(broker.line, start)),
  };
}

async function findStart(broker: Broker, channel: string): Promise<LogStart> {
  const [start] = await broker.logStarts([channel]);
  if (start) return start;
  // An event that was published since the look would be before the position.
  const after = await broker.position();
  const [since] = await broker.logStarts([channel]);
  return since ?? { after, isTrimmed: false };
}

async function read(broker: Broker, channel: string, after: Position, limit: number): Promise<LogSlice> {
  const [slice] = await broker.read([{ channel, after }], { records: limit, bytes: Infinity });
  return slice!;
}
