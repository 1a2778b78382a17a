/** Marks a reference, also across two copies of the package: one in the application and one in a library of it. */
const NAME: unique symbol = Symbol.for('nestjs-sse-redis.channel-name');

/** An object that stands for a channel wherever the hub takes its name. `ChannelReference` is one. */
export interface NamedChannel {
  /** The name of the channel: `order:7`. */
  readonly name: string;
  readonly [NAME]: string;
  /** Returns the name. */
  toString(): string;
}

/** A channel: its name, or a reference that a channel definition made. */
export type ChannelLike = string | NamedChannel;

/** Makes an object count as a reference. Its name is shown where it becomes text or JSON. */
export function createNamedChannel<T extends object>(name: string, fields: T): Readonly<T> & NamedChannel {
  const reference = { name, ...fields };
  const toName = (): string => name;
  for (const key of [NAME, 'toString', 'toJSON'])
    Object.defineProperty(reference, key, { value: key === NAME ? name : toName });
  return Object.freeze(reference) as unknown as Readonly<T> & NamedChannel;
}

/** The channel's name where the value is a reference; else the value as it is, which `parseChannel` checks. */
export function readChannelName(channel: unknown): unknown {
  return isNamedChannel(channel) ? channel.name : channel;
}

export function isNamedChannel(channel: unknown): channel is NamedChannel {
  return typeof channel === 'object' && channel !== null && NAME in channel;
}
