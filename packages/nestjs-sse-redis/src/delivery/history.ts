import type { Broker } from '../broker/broker.interface.js';
import { parseChannel } from '../event/channel-name.js';
import { parseCount } from '../event/count.js';
import { checkOptions } from '../event/known-options.js';
import { parsePositionAfter } from '../event/last-event-id.js';
import { formatEventId, isAhead } from '../event/position.js';
import type { SseEvent } from '../event/sse-event.js';
import { leftAt } from './lines.js';
import { toSseEvent } from './observable-sink.js';

const DEFAULT_LIMIT = 100;
const HISTORY_OPTIONS: ReadonlySet<string> = new Set(['limit', 'after']);

/** Options of `hub.history()`. */
export interface HistoryOptions {
  /** At most this many events. Default 100, at most 1,000. */
  readonly limit?: number;
  /** The events after this event id, oldest first. Left out: the last ones. */
  readonly after?: string;
}

/** Some of the retained events of a channel. */
export interface HistoryPage {
  /** In the order in which they were published. */
  readonly events: readonly SseEvent[];
  /** Where the page ends: go on reading, or open a stream, after this id. */
  readonly cursor: string;
  /** Events after `after` were no longer retained. */
  readonly gap: boolean;
}

/** Reads retained events of a channel. @throws InvalidChannelError | InvalidEventIdError | InvalidArgumentError | RedisUnavailableError */
export async function readHistory(
  broker: Broker,
  channel: string,
  options: HistoryOptions,
): Promise<HistoryPage> {
  checkOptions('history()', options, HISTORY_OPTIONS);
  const { limit: wanted, after: id } = options;
  const name = parseChannel(channel);
  const limit = parseCount('limit', wanted ?? DEFAULT_LIMIT);
  const after = id === undefined ? await broker.positionBefore([name], limit) : parsePositionAfter(id, name);
  const left = leftAt(broker.line.forks, after);
  const [slice] = await broker.read([{ channel: name, after: left ?? after }], {
    records: limit,
    bytes: Infinity,
  });
  const { records, logStart, head, coveredUpTo } = slice!;
  const events = records.slice(0, limit).map((record) => toSseEvent(name, record));
  const cursor = limit === 0 ? Math.min(after, head) : coveredUpTo;
  return {
    events,
    cursor: formatEventId(cursor),
    gap: isAhead(after, head) || after < logStart || left !== undefined,
  };
}
