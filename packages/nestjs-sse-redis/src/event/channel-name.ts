import { InvalidChannelError } from '../errors/invalid-channel.error.js';
import { TooManyChannelsError } from '../errors/too-many-channels.error.js';
import { isNamedChannel, readChannelName, type ChannelLike } from './channel-reference.js';

export const MAX_CHANNEL_LENGTH = 256;

// C0 and C1 control characters: CR, LF and NUL among them.
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Whether a channel is the hub's own: no channel of an application has a control character. */
export function isOfHub(name: string): boolean {
  return name.startsWith('\u0001');
}

/**
 * Checks a channel name, or that of a reference, and returns it.
 *
 * Half a surrogate pair is refused because UTF-8 cannot carry it: two different names would become one in Redis.
 *
 * A name that ends in `undefined` or `null` is refused because all whose value is missing would share one channel.
 *
 * @throws InvalidChannelError
 */
export function parseChannel(channel: unknown): string {
  const name = typeof channel === 'string' ? channel : readChannelName(channel);
  if (typeof name !== 'string') throw invalid(`a channel name is a string, not ${describe(name)}`);
  if (name === '') throw invalid('a channel name must not be empty');
  if (name.length > MAX_CHANNEL_LENGTH) {
    throw invalid(`a channel name has at most ${MAX_CHANNEL_LENGTH} characters, this one has ${name.length}`);
  }
  if (name.endsWith('undefined') || name.endsWith('null')) {
    throw invalid(
      `the channel name ${JSON.stringify(name)} ends in what a missing value becomes in a text: check what it is made of`,
    );
  }
  if (CONTROL.test(name)) throw invalid(`the channel name ${JSON.stringify(name)} has a control character`);
  if (!name.isWellFormed())
    throw invalid(`the channel name ${JSON.stringify(name)} has half a surrogate pair`);
  return name;
}

/** Returns the channels of a connection, each once. @throws InvalidChannelError | TooManyChannelsError */
export function parseChannels(
  channels: ChannelLike | readonly ChannelLike[],
  max: number,
  min = 1,
): string[] {
  const names = [...new Set([...toChannels(channels)].map(readChannelName))];
  if (names.length < min)
    throw new InvalidChannelError(
      'A connection needs at least one channel, unless connect() has `control: true`, by which its client puts on channels.',
    );
  if (names.length > max) {
    throw new TooManyChannelsError(
      `A connection may be on ${max} channels, this one asks for ${names.length}. Raise limits.channelsPerConnection, or publish to a channel that these share.`,
    );
  }
  return names.map(parseChannel);
}

/** What is no list is one channel, and refused as such where it is none. */
export function toChannels(channels: unknown): Iterable<unknown> {
  if (channels === undefined || channels === null) return [];
  const isList = typeof channels === 'object' && !isNamedChannel(channels) && Symbol.iterator in channels;
  return isList ? (channels as Iterable<unknown>) : [channels];
}

function describe(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;
}

function invalid(message: string): InvalidChannelError {
  return new InvalidChannelError(message);
}
