/**
 * Where an event stands in the one order of all events of a hub: the event id `ms-seq` as one number, `ms * 1024 + seq`.
 *
 * One number compares in one step on the hot path, in TypeScript and in Lua alike. Both have IEEE doubles, in which it
 * stays exact until the year 2248. More than 1,024 ids in a millisecond simply run on into the next: ids follow the clock,
 * they do not tell the time.
 */
export type Position = number;

/** Ids of one millisecond. The scripts in `broker/redis/scripts` compute with the same number. */
export const POSITIONS_PER_MS = 1024;

/**
 * In the place of an event id: its client was sent away for good. A browser sends it back as `Last-Event-ID` when it
 * returns, wherever it returns to, so no process has to remember whom it sent away.
 */
export const DISMISSED_ID = 'dismissed';

/** A position, and the line of the data set on which it was given out: 0 before the first fork (docs/decisions/021). */
export interface LinePosition {
  readonly position: Position;
  readonly line: number;
}

const ID = /^(0|[1-9]\d{0,12})-(0|[1-9]\d{0,3})(?:\.([1-9]\d{0,8}))?(?:@(0|[1-9]\d?))?$/;

/**
 * The position as the event id that clients see: `ms-seq`, `ms-seq.line` once Redis failed over, restarted or moved, and with
 * `@shard` behind it where the hub has several.
 */
export function formatEventId(position: Position, line = 0, shard?: number): string {
  const seq = position % POSITIONS_PER_MS;
  const id = `${(position - seq) / POSITIONS_PER_MS}-${seq}`;
  return (line === 0 ? id : `${id}.${line}`) + shardSuffix(shard);
}

/** What ids of a shard end in; nothing where the hub has one. */
export function shardSuffix(shard: number | undefined): string {
  return shard === undefined ? '' : `@${shard}`;
}

/** The position that an event id stands for, or `undefined` if no hub can have given out such an id. */
export function parseEventId(id: string): Position | undefined {
  const match = ID.exec(id);
  if (!match) return undefined;
  const seq = Number(match[2]);
  const position = Number(match[1]) * POSITIONS_PER_MS + seq;
  return seq < POSITIONS_PER_MS && Number.isSafeInteger(position) ? position : undefined;
}

/** The line that an event id names. */
export function parseLine(id: string): number {
  return Number(ID.exec(id)?.[3] ?? 0);
}

/** The shard that an event id names. */
export function parseShard(id: string): number | undefined {
  const shard = ID.exec(id)?.[4];
  return shard === undefined ? undefined : Number(shard);
}

/** The first position of a millisecond. */
export function toPosition(ms: number): Position {
  return ms * POSITIONS_PER_MS;
}

/** The millisecond of a position. */
export function toMs(position: Position): number {
  return Math.floor(position / POSITIONS_PER_MS);
}

/** Whether a position is beyond all that were assigned: it is of another deployment, or of data that Redis has lost. */
export function isAhead(position: Position, head: Position): boolean {
  return position > head;
}
