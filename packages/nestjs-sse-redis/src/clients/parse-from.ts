import type { IsState } from '../broker/broker.interface.js';
import { describeValue } from '../event/describe-value.js';
import { InvalidArgumentError } from '../errors/invalid-argument.error.js';
import { parseCount } from '../event/count.js';
import { parseJoinedId } from '../event/joined-id.js';
import {
  MAX_OWED,
  noEventId,
  parseLastEventId,
  parsePositionAfter,
  START_ID,
} from '../event/last-event-id.js';
import type { ShardMap } from '../event/shard-map.js';
import type { StartOptions } from '../delivery/open-subscriber.interface.js';
import type { StartPoint } from '../delivery/start-point.interface.js';
import type { StartFrom, StartOfChannel } from './connect-options.interface.js';

const TAKES =
  "from takes 'start', an event id, { last: n }, or an object with one of these by the names of channels";

/**
 * Where a new client begins.
 *
 * @param channels of the stream
 * @throws InvalidArgumentError | InvalidEventIdError
 */
export function parseFrom(
  from: StartFrom,
  channels: readonly string[],
  shards: ShardMap,
  isState: IsState,
): StartOptions {
  if (from === 'start') return startEach(new Map(channels.map((channel) => [channel, 'start'])), shards);
  if (typeof from === 'string') return { lastEventId: parseId(from, channels, shards) };
  if (typeof from !== 'object' || from === null || Array.isArray(from))
    throw new InvalidArgumentError(`${TAKES}, it got ${describeValue(from)}.`);
  if (isLast(from)) return { rewind: parseCount('from.last', from.last) };
  const points = Object.entries(from).map(([channel, point]): [string, StartPoint] => {
    if (!channels.includes(channel))
      throw new InvalidArgumentError(
        `from names the channel ${JSON.stringify(channel)}, which is none of the stream: ${TAKES}.`,
      );
    return [channel, parsePoint(channel, point, shards, isState)];
  });
  return startEach(new Map(points), shards);
}

/** A client that is cut off before it has all is told by its id where each channel goes on: an id has room for so many. */
function startEach(from: ReadonlyMap<string, StartPoint>, shards: ShardMap): StartOptions {
  const most = Math.ceil(MAX_OWED / shards.count);
  if (from.size <= most) return { from };
  throw new InvalidArgumentError(
    `from gives ${from.size} channels a beginning of their own, ${most} is the most. Give the last events of all together: { last: n }.`,
  );
}

function parsePoint(channel: string, point: StartOfChannel, shards: ShardMap, isState: IsState): StartPoint {
  if (point === 'start') return 'start';
  if (typeof point === 'string') return parsePositionAfter(point, channel, shards, isState);
  if (typeof point === 'object' && point !== null && isLast(point))
    return { last: parseCount(`from[${JSON.stringify(channel)}].last`, point.last) };
  throw new InvalidArgumentError(
    `from of channel ${JSON.stringify(channel)} takes 'start', an event id or { last: n }.`,
  );
}

/** A channel may be named `last`: its beginning is no number. */
function isLast(value: object): value is { readonly last: number } {
  return 'last' in value && typeof value.last === 'number' && Object.keys(value).length === 1;
}

/** @throws InvalidEventIdError where it is none of this hub, or says nothing of any of the channels */
function parseId(id: string, channels: readonly string[], shards: ShardMap): string {
  const named = channels.filter((channel) => shards.entryFor(id, channel) !== undefined);
  for (const channel of named.length > 0 ? named : channels) parsePositionAfter(id, channel, shards);
  if (channels.length === 0) checkId(id, shards);
  return id;
}

/** Of a stream without channels an id may name any shards. @throws InvalidEventIdError */
function checkId(id: string, { count }: ShardMap): void {
  if (id === START_ID) return;
  const entries: Iterable<readonly [number | undefined, string]> | undefined =
    count === 1 ? [[undefined, id]] : parseJoinedId(id, count);
  const isOfHub = entries && [...entries].every(([shard, entry]) => parseLastEventId(entry, shard));
  if (!isOfHub) throw noEventId(id, count === 1 ? undefined : 0);
}
