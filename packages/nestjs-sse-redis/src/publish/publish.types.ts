import type { ChannelReference } from '../channels/channel-definition.js';
import type { DefinedEventInput, EventInput, EventSchemas } from '../channels/event-schemas.js';
import type { ChannelLike } from '../event/channel-reference.js';
import type { SseEventInput } from '../event/sse-event.js';

/** Options of `hub.publish()`. */
export interface PublishOptions {
  /** Only for those who are connected: it is kept in no log, and nobody gets it later. For typing indicators and the like. */
  readonly ephemeral?: boolean;
  /**
   * Makes it safe to publish again after a failure: within `idempotencyWindow` a second publish to the channel with
   * the same key sends nothing and returns the id of the first. 1 to 256 characters.
   */
  readonly idempotencyKey?: string;
  /** How many replicas are to have the event before it counts as published. Default: the option `replicas` of the module. */
  readonly replicas?: number;
  /** On a state channel, where it has to be given: of each key the newest event counts. 1 to 256 characters. */
  readonly key?: string;
}

/** Options of a publish to a channel of a definition. */
export type PublishOptionsOf<State extends boolean> = [State] extends [true]
  ? Omit<PublishOptions, 'ephemeral' | 'key'> & { readonly key: string }
  : [State] extends [false]
    ? Omit<PublishOptions, 'key'>
    : PublishOptions;

/** The last argument of a publish to a channel: it cannot be left out where an event needs a key. */
export type OptionsArgument<Channel> =
  Channel extends ChannelReference<EventSchemas, infer State>
    ? [State] extends [true]
      ? [options: PublishOptionsOf<true>]
      : [options?: PublishOptionsOf<State>]
    : [options?: PublishOptions];

/** Options of `hub.remove()`. */
export type RemoveOptions = Pick<PublishOptions, 'idempotencyKey' | 'replicas'>;

/** An event of `hub.publishMany()`. */
export interface ChannelEventInput<Channel extends ChannelLike = string>
  extends SseEventInput, PublishOptions {
  readonly channel: Channel;
}

/** An event for a channel: one of its definition, or any where the channel is named by a string. */
export type EventInputOf<Channel> =
  Channel extends ChannelReference<infer Events>
    ? string extends keyof Events
      ? SseEventInput
      : DefinedEventInput<Events>
    : SseEventInput;

/** An item that may be piped into a channel. A string is the data of a `message`. */
export type PipeItemOf<Channel> =
  | EventInputOf<Channel>
  | (Channel extends ChannelReference<infer Events>
      ? string extends keyof Events
        ? string
        : Events extends { readonly message: infer Schema }
          ? Extract<EventInput<Schema>, string>
          : never
      : string);

/** The result of a publish. */
export interface Published {
  /** The id of the event: that of its first publish, where an idempotency key was given. */
  readonly id: string;
}

/** The outcome of one event of `publishMany()`. */
export type PublishResult = Published | { readonly error: Error };
