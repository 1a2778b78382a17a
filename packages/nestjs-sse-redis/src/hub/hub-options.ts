import type { SseEvent, SseEventInput } from '../event/sse-event.js';

/** What `hub.connect()` takes besides client and channels. */
export interface ConnectOptions {
  /**
   * A client that is new (it gives no last event id) first gets this many of the last events of its channels
   * together, as far as they are retained. Default 0: it begins at now. At most 1,000.
   */
  readonly rewind?: number;
  /** Whose connection it is. Default: what the `identify` option told of the request. */
  readonly user?: string | number | undefined;
  /** What the registry shall tell of the connection: anything that JSON can carry, up to `limits.metadataBytes`. */
  readonly metadata?: unknown;
  /**
   * When what let the client in runs out (its token, say), in ms since the epoch or as a Date: the stream is ended then
   * with an `error` event (`EXPIRED`), and the client may come back with better. Default: `client.expiresAt`.
   */
  readonly expiresAt?: number | Date | undefined;
  /**
   * Tells the client, in an event `control`, the id of its connection and a secret, with which it may change its own
   * channels through `SseConnectionsController`. Default false.
   */
  readonly control?: boolean;
}

/** What `hub.disconnect()` takes besides the target. */
export interface DisconnectOptions {
  /** Told to the client and, in the departure, to the registry. Default `'disconnected'`. At most 200 characters. */
  readonly reason?: string;
  /** Whether its client may come back. Default false: it gets an `end` event, and 204 when it returns, which ends an EventSource. */
  readonly reconnect?: boolean;
}

/** What `hub.subscribe()` takes besides target and channels. */
export interface SubscribeOptions {
  /** The new channels begin after this event id; what is no longer retained is told as a gap. Default: at now. */
  readonly after?: string;
}

/** What became of something that was asked of connections in any process. */
export interface ConnectionsResult {
  /** To how many it was done. */
  readonly connections: number;
  /** Channels that the `authorize` option refused to one of them. */
  readonly refused: readonly string[];
  /** Processes that did not answer in time: there it may have been done or not. */
  readonly unanswered: readonly string[];
}

/** `delivered`: written to the client's socket; `unknown`: there is no such connection; `timeout`: its process does not answer, or the client does not read. */
export type SendOutcome = 'delivered' | 'unknown' | 'timeout';

/** What `hub.publish()` takes besides channel and event. */
export interface PublishOptions {
  /** Only for those who are connected: it is kept in no log, and nobody gets it later. For typing indicators and the like. */
  readonly ephemeral?: boolean;
  /**
   * Makes it safe to publish again after a failure: within `idempotencyWindow` a second publish to the channel with
   * the same key sends nothing and returns the id of the first. 1 to 256 characters.
   */
  readonly idempotencyKey?: string;
}

/** An event of `hub.publishMany()`. */
export interface ChannelEventInput extends SseEventInput, PublishOptions {
  readonly channel: string;
}

/** What a publish returns. */
export interface Published {
  /** The id of the event: that of its first publish, where an idempotency key was given. */
  readonly id: string;
}

/** What became of one event of `publishMany()`. */
export type PublishResult = Published | { readonly error: Error };

/** What `hub.events()` takes besides the channel. */
export interface EventsOptions {
  /** Begin after this event id, instead of at now. What lies between and is no longer retained is told as a `gap` event. */
  readonly after?: string;
  /** Begin with this many of the last events. At most 1,000. */
  readonly rewind?: number;
}

/** What `hub.history()` takes besides the channel. */
export interface HistoryOptions {
  /** At most this many events. Default 100, at most 1,000. */
  readonly limit?: number;
  /** The events after this event id, oldest first. Left out: the last ones. */
  readonly after?: string;
}

/** Some of the retained events of a channel. */
export interface HistoryPage {
  /** In the order in which they were published. */
  readonly events: readonly SseEvent[];
  /** Where the page ends: go on reading, or open a stream, after this id. */
  readonly cursor: string;
  /** Events after `after` were no longer retained. */
  readonly gap: boolean;
}
