import { InvalidChannelError } from '../errors/invalid-channel.error.js';
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
