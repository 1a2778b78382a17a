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
}

/** An event of `hub.publishMany()`. */
export interface ChannelEventInput extends SseEventInput, PublishOptions {
  readonly channel: string;
}

/** The result of a publish. */
export interface Published {
  /** The id of the event: that of its first publish, where an idempotency key was given. */
  readonly id: string;
}

/** The outcome of one event of `publishMany()`. */
export type PublishResult = Published | { readonly error: Error };

/** Options of `hub.events()`. */
export interface EventsOptions {
  /** Begin after this event id, instead of at now. Events between that are no longer retained come as one `gap` event. */
  readonly after?: string;
  /** Begin with this many of the last events. At most 1,000. */
  readonly rewind?: number;
}
