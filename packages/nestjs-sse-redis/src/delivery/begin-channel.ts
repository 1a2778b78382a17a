import type { Claims } from './claims.js';
import { MAP_START, type Cursor } from './cursor.js';
import type { Feed } from './feed.js';
import type { StartPosition } from './start-position.js';

/** Has a channel go on from before the cursor, where a client begins so. */
export function beginChannel(
  feed: Feed,
  { starts, owed, maps }: StartPosition,
  cursor: Cursor,
  claims: Claims,
): void {
  const begin = starts?.get(feed.channel);
  if (begin !== undefined) {
    if (feed.isState && begin === MAP_START) {
      claims.set(feed, undefined);
      claims.begin(feed, cursor.position);
      return cursor.startMap(feed);
    }
    cursor.startAt(feed, begin, true);
    // As of a channel that is added to a stream from before.
    claims.set(feed, begin);
  }
  const map = maps?.get(feed.channel);
  if (map !== undefined) cursor.noteMapBegun(feed, map);
  const after = owed?.get(feed.channel);
  if (after === undefined) return;
  cursor.startAt(feed, after, true);
  // The client was sent a gap for what it lacked of the channel up to there.
  claims.setOwed(feed);
}
