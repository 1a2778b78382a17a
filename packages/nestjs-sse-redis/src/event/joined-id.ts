import { parseShard } from './position.js';

/**
 * The id of a connection over several shards: an entry of each, with commas between them, and that of the event first. An
 * entry is a last event id of its shard (`last-event-id.ts`).
 */
const COMMA = ',';

/**
 * The entries of an id, by their shards.
 *
 * @param shards how many the hub has
 * @returns undefined if no hub of so many shards can have given out such an id
 */
export function parseJoinedId(id: string, shards: number): Map<number, string> | undefined {
  const entries = new Map<number, string>();
  for (const entry of id.split(COMMA, shards + 1)) {
    const shard = parseShard(entry.slice(entry.lastIndexOf('~') + 1));
    if (shard === undefined || shard >= shards || entries.has(shard)) return undefined;
    entries.set(shard, entry);
  }
  return entries;
}

/** @param first the place of the entry that comes first @returns undefined where an entry is not known */
export function formatJoinedId(first: number, entries: readonly (string | undefined)[]): string | undefined {
  if (entries.includes(undefined)) return undefined;
  return [entries[first], ...entries.filter((_, i) => i !== first)].join(COMMA);
}
