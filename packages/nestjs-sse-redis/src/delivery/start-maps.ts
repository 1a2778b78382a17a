import { formatLastEventId } from '../event/last-event-id.js';
import { MAP_START } from './cursor.js';
import type { Feed } from './feed.js';
import type { StartPosition } from './start-position.js';
import type { SubscriptionState } from './subscription-state.js';

/**
 * A newcomer begins with the maps of its state channels. A client that lacks events of one which cannot be recovered gets its map anew: in
 * the place of a gap, which would not say what was removed.
 */
export function withMaps(
  start: StartPosition,
  feeds: readonly Feed[],
  { toId, mostOwed }: Pick<SubscriptionState, 'toId' | 'mostOwed'>,
): StartPosition {
  const states = feeds.filter(({ isState }) => isState).map(({ channel }) => channel);
  if (states.length === 0) return start;
  const { resumed, cursor, claims, gaps: told = [] } = start;
  const begins = states.filter((channel) =>
    resumed || claims?.has(channel) ? told.some((gap) => gap.channel === channel) : true,
  );
  if (begins.length === 0) return start;
  const gaps = told.filter(({ channel }) => !states.includes(channel));
  const maps = new Map([...(start.maps ?? [])].filter(([channel]) => !begins.includes(channel)));
  const anew = begins.map((channel) => [channel, MAP_START] as const);
  if (resumed) return { ...start, gaps, maps, owed: new Map([...(start.owed ?? []), ...anew]) };
  const starts = new Map([...(start.starts ?? []), ...anew]);
  // Who is cut off before the last gap comes back as it came.
  const sentId =
    gaps.length > 0 ? start.sentId : formatLastEventId(cursor, [...starts], toId, undefined, mostOwed);
  return { ...start, gaps, maps, starts, sentId };
}
