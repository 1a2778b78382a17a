/** Marks a reference, also across two copies of the package: one in the application and one in a library of it. */
const NAMED: unique symbol = Symbol.for('nestjs-sse-redis.named-channel');

/** An object that stands for a channel wherever the hub takes its name. `ChannelReference` is one. */
export interface NamedChannel {
  /** The name of the channel: `order:7`. */
  readonly name: string;
  readonly [NAMED]: true;
  /** Returns the name. */
  toString(): string;
}

/** A channel: its name, or a reference that a channel definition made. */
export type ChannelLike = string | NamedChannel;

/** A channel of a definition. Where it becomes text or JSON it is its name. */
export class NamedChannelOf<Definition> implements NamedChannel {
  declare readonly [NAMED]: true;

  constructor(
    readonly name: string,
    readonly definition: Definition,
  ) {
    Object.freeze(this);
  }

  toString(): string {
    return this.name;
  }

  toJSON(): string {
    return this.name;
  }
}
// On the prototype: a publisher makes a reference for each event.
Object.defineProperty(NamedChannelOf.prototype, NAMED, { value: true });

/** The channel's name where the value is a reference; else the value as it is, which `parseChannel` checks. */
export function readChannelName(channel: unknown): unknown {
  return isNamedChannel(channel) ? channel.name : channel;
}

export function isNamedChannel(channel: unknown): channel is NamedChannel {
  return typeof channel === 'object' && channel !== null && NAMED in channel;
}
