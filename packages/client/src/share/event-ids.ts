import { START } from '../stream/event-id.js';

/**
 * What the ids of a hub say of order (docs/delivery.md, "Positions on the wire"). An id is `ms-seq`, `ms-seq.line` or with `@shard`
 * behind it. The id of a stream is an entry, or one for each shard with commas between. An entry is an id, or
 * `<own>~<position>:<key>.<key>~…~<cursor>`.
 */
export interface EventPlace {
  /** `ms * 1024 + seq`, as the hub counts. */
  readonly position: number;
  /** How often Redis had failed over. */
  readonly line: number;
  readonly shard: number | undefined;
}

interface NamedPlace extends EventPlace {
  readonly text: string;
}

interface StreamEntry {
  /** Where the client stands in all other channels. */
  readonly cursor: NamedPlace;
  /** The newest event of a channel that lacks events from before the cursor; the id does not name it. */
  readonly late: NamedPlace | undefined;
  /** The keys of other channels that lack some, and after which place. */
  readonly owed: ReadonlyMap<string, NamedPlace>;
}

const ID = /^(\d{1,13})-(\d{1,4})(?:\.(\d{1,9}))?(?:@(\d{1,2}))?$/;
const POSITIONS_PER_MS = 1024;
const NOTHING_OWED: ReadonlyMap<string, NamedPlace> = new Map();

/** The id of an event itself in the stream's id with it. */
export function ownIdOf(id: string): string {
  return id.split(/[~,]/, 1)[0]!;
}

/** The place of an event whose stream id is this; undefined where it is none of a hub. */
export function placeOfEvent(id: string): EventPlace | undefined {
  return parsePlace(ownIdOf(id));
}

/** Behind this place a stream with this id brings all events of the shard. */
export function placeOfStream(id: string, shard: number | undefined): EventPlace | undefined {
  return entryOf(id, shard)?.cursor;
}

/** Up to here whoever has this id lacks nothing, of whatever channel of the shard: the least that the id names. */
export function placeAfter(id: string, shard: number | undefined): EventPlace | undefined {
  const entry = entryOf(id, shard);
  return entry && leastPlaceOf(entry);
}

/** Whether a stream that resumes from `id` sends all that one from `other` would send. False where the ids cannot be compared. */
export function isAtOrBefore(id: string, other: string): boolean {
  if (id === other || id === START) return true;
  if (other === START) return false;
  const entries = parseStreamId(id);
  const others = parseStreamId(other);
  if (!entries || !others || entries.length !== others.length) return false;
  return entries.every((entry) => {
    const pair = others.find(({ cursor }) => cursor.shard === entry.cursor.shard);
    return pair !== undefined && covers(entry, pair);
  });
}

/** An id from which a stream sends all that it would send from either. */
export function leastOf(id: string, other: string): string {
  if (isAtOrBefore(id, other)) return id;
  if (isAtOrBefore(other, id)) return other;
  const entries = parseStreamId(id);
  const others = parseStreamId(other);
  if (!entries) return other;
  if (!others) return id;
  const least = entries.map((entry) => {
    const pair = others.find(({ cursor }) => cursor.shard === entry.cursor.shard);
    return formatEntry(pair ? unite(entry, pair) : entry);
  });
  const more = others.filter(({ cursor }) => !entries.some((entry) => entry.cursor.shard === cursor.shard));
  return [...least, ...more.map(formatEntry)].join(',');
}

/** Whether a stream from `entry` sends all that one from `other` would. */
function covers({ cursor, late, owed }: StreamEntry, other: StreamEntry): boolean {
  const isBefore = (place: NamedPlace | undefined, its: NamedPlace) =>
    cursor.position <= its.position || (place !== undefined && place.position <= its.position);
  return (
    isBefore(undefined, other.cursor) &&
    // Where nothing else is late, the ids are of the same catch-up, and so of the same channel.
    (!other.late || isBefore(late, other.late)) &&
    [...other.owed].every(([key, its]) => isBefore(owed.get(key), its))
  );
}

function unite(one: StreamEntry, other: StreamEntry): StreamEntry {
  if (covers(one, other)) return one;
  if (covers(other, one)) return other;
  const lates = [one, other].flatMap(({ late }) => late ?? []);
  // Which channel is late is not known, and it may be one that the other id names: then all are read from there.
  const isClear = lates.length === 0 || (lates.length === 1 && one.owed.size + other.owed.size === 0);
  const cursor = [one.cursor, other.cursor, ...(isClear ? [] : lates)].reduce(earlierOf);
  const [late] = lates;
  const owed = new Map<string, NamedPlace>();
  for (const [key, place] of [...one.owed, ...other.owed]) {
    if (place.position < cursor.position) owed.set(key, earlierOf(place, owed.get(key) ?? place));
  }
  return { cursor, late: isClear && late && late.position < cursor.position ? late : undefined, owed };
}

function earlierOf(one: NamedPlace, other: NamedPlace): NamedPlace {
  return other.position < one.position ? other : one;
}

function leastPlaceOf({ cursor, late = cursor, owed }: StreamEntry): EventPlace {
  return [late, ...owed.values()].reduce(earlierOf);
}

function formatEntry({ cursor, late, owed }: StreamEntry): string {
  if (!late && owed.size === 0) return cursor.text;
  const keys = new Map<string, string[]>();
  for (const [key, { text }] of owed) keys.set(text, [...(keys.get(text) ?? []), key]);
  const others = [...keys].map(([text, all]) => `${text}:${all.join('.')}`);
  return [(late ?? cursor).text, ...others, cursor.text].join('~');
}

function entryOf(id: string, shard: number | undefined): StreamEntry | undefined {
  return parseStreamId(id)?.find(({ cursor }) => cursor.shard === shard);
}

function parseStreamId(id: string): StreamEntry[] | undefined {
  const entries: StreamEntry[] = [];
  for (const text of id.split(',')) {
    const parts = text.split('~');
    const own = parsePlace(parts[0]!);
    const cursor = parsePlace(parts.at(-1)!);
    const owed = parseOwed(parts.slice(1, -1));
    if (!own || !cursor || !owed) return undefined;
    entries.push({ cursor, late: own.position < cursor.position ? own : undefined, owed });
  }
  return entries;
}

function parseOwed(parts: readonly string[]): ReadonlyMap<string, NamedPlace> | undefined {
  // Of each event that a host brings.
  if (parts.length === 0) return NOTHING_OWED;
  const owed = new Map<string, NamedPlace>();
  for (const part of parts) {
    const [id, keys = ''] = part.split(':');
    const place = parsePlace(id!);
    if (!place) return undefined;
    for (const key of keys.split('.')) owed.set(key, place);
  }
  return owed;
}

function parsePlace(text: string): NamedPlace | undefined {
  const match = ID.exec(text);
  if (!match) return undefined;
  return {
    position: Number(match[1]) * POSITIONS_PER_MS + Number(match[2]),
    line: Number(match[3] ?? 0),
    shard: match[4] === undefined ? undefined : Number(match[4]),
    text,
  };
}
