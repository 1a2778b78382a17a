import { createHash } from 'node:crypto';
import { describeValue } from './describe-value.js';
import { InvalidEventIdError } from '../errors/invalid-event-id.error.js';
import {
  formatEventId,
  parseEventId,
  parseLine,
  parseShard,
  POSITIONS_PER_MS,
  type LinePosition,
  type Position,
} from './position.js';
import type { ShardMap } from './shard-map.js';

/**
 * A last event id says more than a position where a client lacks events from before it.
 *
 * `<own>~<cursor>` is the id of a late event: the event's own id, and where the client stands. Of the event's channel the
 * client has everything up to `own`, of all other channels everything up to `cursor`. Where other channels lack events as
 * well, `<own>~<position>:<key>.<key>~…~<cursor>` names each of them by a key, under the position after which it lacks them.
 * In an id that is no event's, `own` is the cursor. State channels are named always, and by another key while the client has a part of
 * the map (`toMapName`).
 */
/** In the place of an id: before all events of a channel, whatever its shard. */
export const START_ID = '0-0';
/** The beginning of 2026, as in the ids of the docs. */
const EXAMPLE = 1_767_225_600_000 * POSITIONS_PER_MS;
const SEPARATOR = '~';
const OWED = /^([\d.@-]+):([\w-]{8}(?:\.[\w-]{8})*)$/;
/** Ids of 2,000 characters pass all clients and proxies that were tried. Those of late channels come to little more. */
export const MAX_OWED = 256;
/** Characters: the longest id that a hub writes has fewer. */
const MAX_REPEATED = 8_192;

/** The position of a client that returns with a last event id. */
export interface LastEventId extends LinePosition {
  /** The client has everything up to here, but for what follows. */
  readonly position: Position;
  /** The late event that the client got last; undefined where the id is not that of a late event. */
  readonly own: Position | undefined;
  /** By the key of a channel: after which position the client lacks events of it. */
  readonly owed: ReadonlyMap<string, Position>;
}

const NOTHING_OWED: ReadonlyMap<string, Position> = new Map();

/**
 * Reads a last event id of this hub, or of a shard of it.
 *
 * @returns undefined if neither can have given out such an id
 */
export function parseLastEventId(id: string, shard?: number): LastEventId | undefined {
  if (parseShard(id.slice(id.lastIndexOf(SEPARATOR) + 1)) !== shard) return undefined;
  if (!id.includes(SEPARATOR)) {
    const position = parseEventId(id);
    return position === undefined
      ? undefined
      : { position, line: parseLine(id), own: undefined, owed: NOTHING_OWED };
  }
  const parts = id.split(SEPARATOR);
  const own = parseEventId(parts[0]!);
  const position = parseEventId(parts.at(-1)!);
  if (own === undefined || position === undefined || own > position) return undefined;
  // No event is at 0. A client that has nothing of a shard yet stands there.
  if (own === 0 && position > 0) return undefined;
  const owed = parseOwed(parts.slice(1, -1), position);
  if (!owed) return undefined;
  return { position, line: parseLine(parts.at(-1)!), own: own < position ? own : undefined, owed };
}

/**
 * Writes a last event id.
 *
 * @param cursor where the client stands
 * @param owed other channels that lack events from before the cursor, and after which position
 * @param toId the id of a position at which a client stands
 * @param own the id of a late event
 * @param most how many others are named
 */
export function formatLastEventId(
  cursor: Position,
  owed: readonly (readonly [channel: string, after: Position])[],
  toId: (position: Position) => string,
  own?: string,
  most = MAX_OWED,
): string {
  const id = toId(cursor);
  if (owed.length === 0 && own === undefined) return id;
  const keys = new Map<Position, string[]>();
  for (const [channel, after] of owed.slice(0, most)) {
    const others = keys.get(after);
    if (others) others.push(channelKey(channel));
    else keys.set(after, [channelKey(channel)]);
  }
  const others = [...keys].map(([after, of]) => `${toId(after)}:${of.join('.')}`);
  return [own ?? id, ...others, id].join(SEPARATOR);
}

/**
 * What stands for a state channel among those that are owed events, while a client has a part of its map: an id without it could not say
 * whether removals are missing that were forgotten since.
 *
 * @param logStart of the log as the map began
 */
export function toMapName(channel: string, logStart: Position): string {
  return `${channel}\n${logStart}`;
}

/** A short name for a channel, whatever characters its own has. Of 1,000 channels two share one in 1 of 500 million cases. */
export function channelKey(channel: string): string {
  return createHash('sha1').update(channel).digest('base64url').slice(0, 8);
}

/**
 * The event's own id in an event's `lastEventId`. For most events they are the same. The `lastEventId` of an event that
 * came late also says where the client stands: `<own>~<cursor>`. In a stream over several shards the ids of the others follow.
 *
 * @param lastEventId `event.lastEventId` of an `EventSource`
 * @returns the id that `hub.publish()` returned for the event, to be compared, sorted, or given as `after`
 * @example eventIdOf('1767225600000-0~1767225600012-3'); // '1767225600000-0'
 */
export function eventIdOf(lastEventId: string): string {
  const end = lastEventId.search(/[~,]/);
  return end < 0 ? lastEventId : lastEventId.slice(0, end);
}

/**
 * Where a state channel goes on for a client with this id. The key under which the id names it, where the client has a part of the map, is
 * of the past: any that is not of another use counts. A client that has all up to an entry lacks no more than what follows.
 */
function stateGoesOnAfter(id: LastEventId, channel: string): Position {
  return Math.min(goesOnAfter(id, channel), ...id.owed.values());
}

/** Where a channel goes on for a client with this id. */
export function goesOnAfter({ position, own, owed }: LastEventId, channel: string): Position {
  return (owed.size > 0 ? owed.get(channelKey(channel)) : undefined) ?? own ?? position;
}

/**
 * Parses the `after` of a caller, which may be the id of a late event, or name positions of several shards.
 *
 * @param isState says of which channels the id may be from within the map
 * @returns the position after which the channel goes on
 * @throws InvalidEventIdError
 */
export function parsePositionAfter(
  id: string,
  channel: string,
  shards: ShardMap,
  isState: (channel: string) => boolean = () => false,
): LinePosition {
  if (id === START_ID) return { position: 0, line: 0 };
  const entry = typeof id === 'string' ? shards.entryFor(id, channel) : '';
  if (entry === undefined) {
    throw new InvalidEventIdError(
      `The id ${describeValue(id)} says nothing of channel ${JSON.stringify(channel)}, which is of another shard. Leave \`after\` out, or take an id of a stream with this channel.`,
    );
  }
  const point = parseLastEventId(entry, shards.idOf(channel));
  if (point) {
    const position = (isState(channel) ? stateGoesOnAfter : goesOnAfter)(point, channel);
    return { position, line: point.line };
  }
  throw noEventId(id, shards.idOf(channel));
}

/** @param shard as ids name it */
export function noEventId(id: unknown, shard: number | undefined): InvalidEventIdError {
  // The answer repeats it to a client, which may have sent anything.
  const example = formatEventId(EXAMPLE, 0, shard);
  return new InvalidEventIdError(`An event id of this hub looks like ${example}, not ${describeValue(id)}.`);
}

/**
 * The event id after which a channel goes on for a caller with such an `after`.
 *
 * @throws InvalidEventIdError
 */
export function parseEventIdAfter(
  id: string,
  channel: string,
  shards: ShardMap,
  isState: (channel: string) => boolean,
): string {
  const { position, line } = parsePositionAfter(id, channel, shards, isState);
  return formatEventId(position, line, shards.idOf(channel));
}

/**
 * An id that a client sent, where it can stand in a block again. A line end would begin another field, and each of many gaps
 * repeats it.
 */
export function repeatableId(id: string | undefined): string | undefined {
  // oxlint-disable-next-line no-control-regex
  return id === undefined || id.length > MAX_REPEATED || /[\r\n\u0000]/.test(id) ? undefined : id;
}

function parseOwed(parts: readonly string[], position: Position): ReadonlyMap<string, Position> | undefined {
  if (parts.length === 0) return NOTHING_OWED;
  const owed = new Map<string, Position>();
  for (const part of parts) {
    const match = OWED.exec(part);
    const after = match ? parseEventId(match[1]!) : undefined;
    if (!match || after === undefined || after > position) return undefined;
    for (const key of match[2]!.split('.')) owed.set(key, after);
  }
  return owed;
}
