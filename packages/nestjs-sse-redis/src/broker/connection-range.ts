import type { ConnectionFilter } from './registry-store.interface.js';

/** Where the connections of a filter are found: all of an index, or those of its members that begin with a prefix. */
export type ConnectionRange =
  | { readonly index: 'all' | 'user' | 'channel'; readonly of: string; readonly prefix: string }
  | { readonly index: 'address'; readonly of: string };

/** @throws RangeError for a filter that no index serves: a mistake in the program */
export function rangeOf({ user, channel, node, address }: ConnectionFilter): ConnectionRange {
  const given = [user, channel, node, address].filter((value) => value !== undefined).length;
  if (given === 0) return { index: 'all', of: '', prefix: '' };
  if (given === 1) {
    if (address !== undefined) return { index: 'address', of: address };
    if (node !== undefined) return { index: 'all', of: '', prefix: `${node}.` };
    if (user !== undefined) return { index: 'user', of: user, prefix: '' };
    return { index: 'channel', of: channel!, prefix: '' };
  }
  if (given === 2 && user !== undefined && channel !== undefined) {
    return { index: 'channel', of: channel, prefix: `${user}\0` };
  }
  throw new RangeError(
    'A filter of connections names nothing, a user, a channel, both of these, or a node. Take the one that gives fewest, and choose among those.',
  );
}
