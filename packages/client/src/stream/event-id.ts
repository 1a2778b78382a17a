// Ids of the hub (docs/delivery.md): `ms-seq`, `.line` after a failover, `@shard` where there are several. The id of a stream may be
// `<own>~…~<cursor>`, and has an entry for each shard, with commas between them.
const ID = /^(\d+)-(\d+)(?:\.(\d+))?(?:@(\d+))?$/;

/** In the place of an id: before all events of a channel. Of a state channel the map comes anew after it. */
export const START = '0-0';

/** The event's own id in the last event id of a stream. */
export function ownIdOf(lastEventId: string): string {
  return lastEventId.split(/[~,]/, 1)[0]!;
}

/** Whether every entry of an id begins as one of the hub does. */
export function isEventId(id: unknown): id is string {
  return typeof id === 'string' && parse(id).every((entry) => entry !== null);
}

/**
 * Whether an event is newer than a position of its channel.
 *
 * An event of a later line is, whatever the numbers: the new server may give out those of the old one again. An event of an earlier line
 * may be, too: the id of a cursor names the present line, also where it lies before the failover (docs/decisions/021-lines.md).
 *
 * @param id of the event, or a position
 * @param position an id of the channel or of its stream, or the cursor of a state. Where it names channels that lack events, the event may
 *   be of one of them
 * @returns true also where the two cannot be compared, so that nothing is dropped by mistake
 * @example isAfter('1767225600000-1', '1767225600000-0') // true
 */
export function isAfter(id: string, position: string): boolean {
  if (id === START || position === START) return id !== position && position === START;
  if (id === position) return false;
  const positions = parse(position.includes('~') ? toLeast(position) : position);
  let isKnown = false;
  for (const entry of parse(id)) {
    const other = positions.find((candidate) => candidate?.[4] === entry?.[4]);
    if (!entry || !other) continue;
    isKnown = true;
    const differenceOf = (part: number) => Number(entry[part] ?? 0) - Number(other[part] ?? 0);
    if (differenceOf(3) > 0 || (differenceOf(1) || differenceOf(2)) > 0) return true;
  }
  return !isKnown;
}

/** The id without the late event of a channel that the next stream will not have: the client goes on where the cursor is. */
export function withoutOwn(id: string): string {
  const [entry, ...others] = id.split(',');
  const parts = entry!.split('~');
  if (parts.length === 2) parts.shift();
  else parts[0] = parts.at(-1)!;
  return [parts.join('~'), ...others].join(',');
}

/** Up to where whoever has this id lacks nothing, of whatever channel: of each shard the least that the id names. */
export function toLeast(id: string): string {
  const leastOf = (entry: string) =>
    entry
      .split('~')
      .map((part) => part.split(':', 1)[0]!)
      // What stands for a part of a map counts for state channels, whose map tells it.
      .reduce((least, part) => (isAfter(least, part) && !part.startsWith(START) ? part : least));
  return id.split(',').map(leastOf).join(',');
}

/** Where a client with this id stands, of each shard. */
export function toCursor(id: string): string {
  return id
    .split(',')
    .map((entry) => entry.slice(entry.lastIndexOf('~') + 1))
    .join(',');
}

function parse(id: string): (RegExpExecArray | null)[] {
  return id.split(',').map((entry) => ID.exec(ownIdOf(entry)));
}
