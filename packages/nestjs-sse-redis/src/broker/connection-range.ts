import type { ConnectionFilter } from './registry-store.interface.js';
import { InvalidArgumentError } from '../errors/invalid-argument.error.js';

/** Where the connections of a filter are found: all of an index, or those of its members that begin with a prefix. */
export type ConnectionRange = IndexRange | { readonly index: 'address'; readonly of: string };

/** The members are ids; those of a channel `<user, or nothing>\0<id>`, so that its users are in order. */
export interface IndexRange {
  readonly index: 'all' | 'user' | 'channel';
  readonly of: string;
  readonly prefix: string;
}

/** @throws InvalidArgumentError for a filter that no index serves: a mistake in the program */
export function toIndexRange({ user, channel, node, address }: ConnectionFilter): ConnectionRange {
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
  throw new InvalidArgumentError(
    'A filter of connections names nothing, a user, a channel, both of these, or a node. Take the one that gives fewest, and choose among those.',
  );
}

/** @throws InvalidArgumentError also for a filter whose connections can be counted, but not listed */
export function toListedRange(filter: ConnectionFilter): IndexRange {
  const range = toIndexRange(filter);
  if (range.index === 'address')
    throw new InvalidArgumentError('Connections of an address can only be counted.');
  return range;
}

/** The cursor of a page: the last member of it. */
export function toCursor(member: string): string {
  return Buffer.from(member).toString('base64url');
}

/**
 * The member to go on after.
 *
 * @param prefix of the filter. A cursor may come from a browser: it must not lead to the connections of others.
 * @throws InvalidArgumentError
 */
export function fromCursor(cursor: string, prefix = ''): string {
  const member = Buffer.from(cursor, 'base64url').toString();
  if (member !== '' && member.startsWith(prefix) && toCursor(member) === cursor) return member;
  throw new InvalidArgumentError(
    `A page goes on from \`next\` of the page before, with the same filter, not from ${JSON.stringify(cursor)}.`,
  );
}
