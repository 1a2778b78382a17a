import { START } from '../stream/event-id.js';

/**
 * What the ids of a hub say of order (docs/delivery.md, "Positions on the wire"). An id is `ms-seq`, `ms-seq.line` or with `@shard`
 * behind it. The id of a stream is an entry, or one for each shard with commas between. An entry is an id, or `<own>~…~<cursor>`.
 */
export interface EventPlace {
  /** `ms * 1024 + seq`, as the hub counts. */
  readonly position: number;
  /** How often Redis had failed over. */
  readonly line: number;
  readonly shard: number | undefined;
}

interface StreamEntry {
  /** The newest event of the entry's channel. */
  readonly own: EventPlace;
  /** Where the client stands in all other channels. */
  readonly cursor: EventPlace;
  readonly text: string;
}

const ID = /^(\d{1,13})-(\d{1,4})(?:\.(\d{1,9}))?(?:@(\d{1,2}))?$/;
const POSITIONS_PER_MS = 1024;

/** The id of an event itself in the stream's id with it. */
export function ownIdOf(id: string): string {
  return id.split(/[~,]/, 1)[0]!;
}

/** The place of an event whose stream id is this; undefined where it is none of a hub. */
export function placeOfEvent(id: string): EventPlace | undefined {
  return parsePlace(ownIdOf(id));
}

/** Where a stream with this id stands in the shard of an event. */
export function placeOfStream(id: string, shard: number | undefined): EventPlace | undefined {
  return parseStreamId(id)?.find(({ cursor }) => cursor.shard === shard)?.cursor;
}

/** Where a channel goes on that begins after this id. The channel is of the shard of the event. */
export function placeAfter(id: string, shard: number | undefined): EventPlace | undefined {
  return parseStreamId(id)?.find(({ cursor }) => cursor.shard === shard)?.own;
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
    return pair !== undefined && compareEntries(entry, pair) <= 0;
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
    return pair && compareEntries(pair, entry) < 0 ? pair.text : entry.text;
  });
  const more = others.filter(({ cursor }) => !entries.some((entry) => entry.cursor.shard === cursor.shard));
  return [...least, ...more.map(({ text }) => text)].join(',');
}

function compareEntries(one: StreamEntry, other: StreamEntry): number {
  return one.cursor.position - other.cursor.position || one.own.position - other.own.position;
}

function parseStreamId(id: string): StreamEntry[] | undefined {
  const entries: StreamEntry[] = [];
  for (const text of id.split(',')) {
    const own = parsePlace(text.slice(0, Math.max(text.indexOf('~'), 0)) || text);
    const cursor = parsePlace(text.slice(text.lastIndexOf('~') + 1));
    if (!own || !cursor) return undefined;
    entries.push({ own, cursor, text });
  }
  return entries;
}

function parsePlace(id: string): EventPlace | undefined {
  const match = ID.exec(id);
  if (!match) return undefined;
  return {
    position: Number(match[1]) * POSITIONS_PER_MS + Number(match[2]),
    line: Number(match[3] ?? 0),
    shard: match[4] === undefined ? undefined : Number(match[4]),
  };
}
