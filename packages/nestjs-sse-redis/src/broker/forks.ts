import { formatEventId, toMs, type LinePosition, type Position } from '../event/position.js';
import type { DataLine, Fork, Published } from './broker.interface.js';

/** How long a master may live on that was replaced: Sentinel takes some 10 s. */
const REPLACED_WITHIN_MS = 60_000;

/** Where the line of a position was left, if the position was given out on a line that is gone. */
export function leftAt(forks: readonly Fork[], { position, line }: LinePosition): Position | undefined {
  // What was given out before the new line had begun is of the old one, whatever its id says.
  const left = forks.filter((fork) => fork.from < position && (position < fork.began || line < fork.line));
  return left.length > 0 ? Math.min(...left.map(({ from }) => from)) : undefined;
}

/** Whether a position was given out on a line that is not known here. */
export function isOfUnknownLine(
  { forks, line: newest }: DataLine,
  { position, line }: LinePosition,
): boolean {
  return line > newest && leftAt(forks, { position, line }) === undefined;
}

/**
 * Whether the server was replaced by the one that gave out a position, and lives on: a matter of seconds. A position from
 * before the data were lost, or of a clock that was ahead, is of a line that nobody will hear of.
 *
 * @param head the last position given out
 */
export function isReplaced(line: DataLine, start: LinePosition, head: Position): boolean {
  return (
    isOfUnknownLine(line, start) &&
    start.position >= line.since &&
    Math.abs(toMs(head) - toMs(start.position)) < REPLACED_WITHIN_MS
  );
}

/**
 * The id of an event that was published. What is known of lines may be of another time than its acknowledgement: the connection
 * is gone, or the data are. That of a repeated publish is of an earlier line.
 */
export function idOfPublished(known: DataLine, { position, line }: Published): string {
  const number = line > known.line ? line : Math.min(line, lineAt(known, position));
  return formatEventId(position, number, known.shard);
}

/** The number of the line on which a position was given out. */
export function lineAt({ forks, line }: DataLine, position: Position): number {
  if (forks.length === 0) return line;
  return forks.findLast(({ began }) => began <= position)?.line ?? Math.max(0, forks[0]!.line - 1);
}
