import { InvalidChannelError } from '../errors/invalid-channel.error.js';
import { InvalidConnectionError } from '../errors/invalid-connection.error.js';
import { InvalidEventError } from '../errors/invalid-event.error.js';
import { TooManyChannelsError } from '../errors/too-many-channels.error.js';
import { checkChannel } from '../event/channel-name.js';

const MAX_COUNT = 1_000;
const MAX_KEY_LENGTH = 256;

/** The channels of a connection, each once. */
export function checkChannels(channels: string | readonly string[], max: number): string[] {
  const names = [...new Set(typeof channels === 'string' ? [channels] : channels)];
  if (names.length === 0) throw new InvalidChannelError('A connection needs at least one channel.');
  if (names.length > max) {
    throw new TooManyChannelsError(
      `A connection may be on ${max} channels, this one asks for ${names.length}. Raise limits.channelsPerConnection, or publish to a channel that these share.`,
    );
  }
  return names.map(checkChannel);
}

/** @throws RangeError: a mistake in the program, not of a client */
export function checkCount(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= MAX_COUNT) return value;
  throw new RangeError(`${name} takes a whole number from 0 to ${MAX_COUNT}, it got ${String(value)}.`);
}

export function checkIdempotencyKey(key: string | undefined): string | undefined {
  if (key === undefined) return undefined;
  if (typeof key === 'string' && key.length > 0 && key.length <= MAX_KEY_LENGTH && key.isWellFormed())
    return key;
  throw new InvalidEventError(`An idempotency key is a string of 1 to ${MAX_KEY_LENGTH} characters.`);
}

// oxlint-disable-next-line no-control-regex
const USER = /^[^\u0000-\u001f\u007f-\u009f]{1,256}$/;

/** The id of a user, as a string. */
export function checkUser(user: unknown): string | undefined {
  if (user === undefined || user === null) return undefined;
  const id = typeof user === 'number' ? String(user) : user;
  if (typeof id === 'string' && USER.test(id) && id.isWellFormed()) return id;
  throw new InvalidConnectionError(
    `The id of a user is a number or 1 to 256 characters without control characters, not ${typeof id === 'string' ? JSON.stringify(id.slice(0, 300)) : typeof id}.`,
  );
}

/** What JSON makes of a connection's metadata. */
export function checkMetadata(metadata: unknown, maxBytes: number): unknown {
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

/** ms since the epoch. */
export function checkExpiry(expiresAt: number | Date | undefined): number | undefined {
  if (expiresAt === undefined) return undefined;
  const at = Number(expiresAt);
  if (Number.isFinite(at)) return at;
  throw new InvalidConnectionError(
    `expiresAt takes ms since the epoch or a Date, it got ${String(expiresAt)}. (A token's exp is in seconds.)`,
  );
}

const MAX_REASON_LENGTH = 200;

export function checkReason(reason: string | undefined): string {
  if (reason === undefined) return 'disconnected';
  if (typeof reason === 'string' && reason.length > 0 && reason.length <= MAX_REASON_LENGTH) return reason;
  throw new RangeError(`A reason is a string of 1 to ${MAX_REASON_LENGTH} characters.`);
}
