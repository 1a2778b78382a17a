import type { IsState } from '../broker/broker.interface.js';
import { InvalidArgumentError } from '../errors/invalid-argument.error.js';
import { InvalidConnectionError } from '../errors/invalid-connection.error.js';
import { parseCount } from '../event/count.js';
import { checkOptions } from '../event/known-options.js';
import type { ShardMap } from '../event/shard-map.js';
import type { StartOptions } from '../delivery/open-subscriber.interface.js';
import type { ConnectOptions } from './connect-options.interface.js';
import type { ConnectingClient } from './connecting-client.js';
import type { ConnectionOptions } from './connection-opener.js';
import { parseFrom } from './parse-from.js';

const CONNECT_OPTIONS: ReadonlySet<string> = new Set<keyof ConnectOptions>([
  'rewind',
  'from',
  'user',
  'metadata',
  'expiresAt',
  'control',
]);

/** What the arguments of `hub.connect()` are checked against. */
export interface ConnectionChecks {
  readonly metadataBytes: number;
  readonly channels: readonly string[];
  readonly shards: ShardMap;
  readonly isState: IsState;
  /** Where the options have none. */
  readonly rewind: number;
}

/** Checks what `hub.connect()` was given. @throws InvalidConnectionError | InvalidArgumentError | InvalidEventIdError */
export function parseConnection(
  client: ConnectingClient,
  options: ConnectOptions,
  { metadataBytes, channels, shards, isState, rewind }: ConnectionChecks,
): ConnectionOptions {
  checkOptions('connect()', options, CONNECT_OPTIONS);
  if (options.from !== undefined && options.rewind !== undefined)
    throw new InvalidArgumentError('connect() takes from or rewind, not both.');
  const start: StartOptions =
    options.from === undefined
      ? { rewind: parseCount('rewind', options.rewind ?? rewind) }
      : parseFrom(options.from, channels, shards, isState);
  return {
    ...start,
    lastEventId: client.lastEventId ?? start.lastEventId,
    user: parseUser(options.user ?? client.user),
    metadata: parseMetadata(options.metadata, metadataBytes),
    expiresAt: parseExpiry(options.expiresAt ?? client.expiresAt),
    control: options.control === true,
  };
}

// oxlint-disable-next-line no-control-regex
const USER = /^[^\u0000-\u001f\u007f-\u009f]{1,256}$/;

/** Returns the id of a user as a string. @throws InvalidConnectionError */
function parseUser(user: unknown): string | undefined {
  if (user === undefined || user === null) return undefined;
  const id = typeof user === 'number' ? String(user) : user;
  if (typeof id === 'string' && USER.test(id) && id.isWellFormed()) return id;
  throw new InvalidConnectionError(
    `The id of a user is a number or 1 to 256 characters without control characters, not ${typeof id === 'string' ? JSON.stringify(id.slice(0, 300)) : typeof id}.`,
  );
}

/** Returns the metadata of a connection as JSON carries it. @throws InvalidConnectionError */
function parseMetadata(metadata: unknown, maxBytes: number): unknown {
  if (metadata === undefined) return undefined;
  let json: string | undefined;
  try {
    json = JSON.stringify(metadata) as string | undefined;
  } catch (cause) {
    throw new InvalidConnectionError('The metadata of a connection must be something that JSON can carry.', {
      cause,
    });
  }
  if (json === undefined || Buffer.byteLength(json) > maxBytes) {
    throw new InvalidConnectionError(
      `The metadata of a connection is anything that JSON can carry in ${maxBytes} bytes (limits.metadataBytes): keep what is large elsewhere, by the user's id.`,
    );
  }
  return JSON.parse(json) as unknown;
}

/** Returns ms since the epoch. @throws InvalidConnectionError */
function parseExpiry(expiresAt: number | Date | undefined): number | undefined {
  if (expiresAt === undefined) return undefined;
  const at = Number(expiresAt);
  if (Number.isFinite(at)) return at;
  throw new InvalidConnectionError(
    `expiresAt takes ms since the epoch or a Date, it got ${String(expiresAt)}. (A token's exp is in seconds.)`,
  );
}
