import { inspect } from 'node:util';
import { InvalidArgumentError } from '../errors/invalid-argument.error.js';
import { parseChannel } from '../event/channel-name.js';
import type { ConnectionTarget } from './connection-command.js';

type Kind = 'connection' | 'user' | 'channel' | 'node';

/**
 * Checks which connections a caller means. A value that is missing must not stand for all clients without it: `{ user: undefined }`
 * would be every client that is not signed in.
 *
 * @param kinds what the method takes, one of which the target has
 * @returns the target, with the id of a user as a string, which it is in the registry
 * @throws InvalidArgumentError | InvalidChannelError
 */
export function parseTarget(method: string, target: unknown, kinds: readonly Kind[]): ConnectionTarget {
  const [[kind, value] = [], ...others] = isObject(target)
    ? (Object.entries(target) as [string, unknown][])
    : [];
  if (others.length === 0 && kinds.includes(kind as Kind)) {
    if (kind === 'channel') return { channel: parseChannel(value) };
    const id = kind === 'user' && typeof value === 'number' ? String(value) : value;
    if (typeof id === 'string' && id !== '') return { [kind as string]: id } as ConnectionTarget;
    throw new InvalidArgumentError(
      `${method} takes the id of a ${kind}, it got ${inspect(value, { depth: 0 })}: check where it comes from.`,
    );
  }
  const forms = kinds.map((name) => `{ ${name} }`).join(' or ');
  const seen = isObject(target)
    ? `an object with ${Object.keys(target).join(', ') || 'nothing'}`
    : inspect(target, { depth: 0 });
  throw new InvalidArgumentError(`${method} takes ${forms}, one of them, it got ${seen}.`);
}

/** @throws InvalidArgumentError */
export function parseConnectionId(method: string, id: unknown): string {
  if (typeof id === 'string') return id;
  throw new InvalidArgumentError(
    `${method} takes the id of a connection, a string, it got ${inspect(id, { depth: 0 })}.`,
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
