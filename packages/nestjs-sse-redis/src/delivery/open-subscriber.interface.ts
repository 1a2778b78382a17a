import type { LinePosition, Position } from '../event/position.js';
import type { EventSink } from './event-sink.js';
import type { HeartbeatTarget } from './heartbeat.js';
import type { HubCounters } from './hub-counters.js';
import type { StartPoints } from './start-point.interface.js';

/** Where a stream starts. */
export interface StartOptions {
  /** The client's last event id, which goes before `rewind`. */
  readonly lastEventId?: string | undefined;
  /** For a newcomer: how many of the last events of its channels together it gets first. */
  readonly rewind?: number | undefined;
  /** For a newcomer, in the place of `rewind`: where it begins on each of these channels; on all others at now. */
  readonly from?: StartPoints | undefined;
}

/** Where a part of a stream starts. */
export interface ShardStart extends StartOptions {
  /** For a newcomer: where it begins, in the place of `rewind`. */
  readonly position?: Position | undefined;
  /** For a newcomer: where it was to begin before the link was lost. */
  readonly earlier?: LinePosition | undefined;
}

/** What an open connection is to its owner, whether its channels are of one shard or of several. */
export interface OpenSubscriber extends HeartbeatTarget {
  readonly channels: string[];
  /** The id that the client has, once it has been given all that the sink was given. */
  readonly lastId: string | undefined;
  readonly isLive: boolean;
  readonly isFull: boolean;
  /** Delivers nothing until `resume`. */
  pause(): void;
  resume(): void;
  /** Sends the lines of an event that is in no log, once the sink takes it. Returns whether it was sent. */
  sendMessage(text: string): Promise<boolean>;
  /** Sends it at once: a short event of the hub itself may go over the limit. */
  sendNow(text: string): void;
}

/** The callbacks of an opening. */
export interface OpenCallbacks {
  /** Asked once the channels are subscribed: whether to go on. */
  ready?(): Promise<boolean>;
  /** ms that the client is to wait before it reconnects. */
  retry?(): number;
  /** Whether it delivers nothing until `resume`. */
  isPaused?(): boolean;
  /** It is open, unless it was closed meanwhile. Writes to the sink from now on come after those of the subscriber. */
  opened?(subscriber: OpenSubscriber): void;
  failed(error: unknown): void;
  /** The target of heartbeats, in the place of the subscriber. */
  readonly heartbeatTarget?: HeartbeatTarget;
  /** Where its deliveries are counted, if not with those of all others. */
  readonly counters?: HubCounters;
}

/** The open connections of this process: how one is opened, changed and closed. */
export interface SubscriberPool {
  /**
   * Opens a connection to any sink.
   *
   * @returns what closes it. An owner that keeps it for long should `close` the subscriber instead, once it is open
   */
  open(channels: readonly string[], start: StartOptions, sink: EventSink, opener: OpenCallbacks): () => void;
  close(subscriber: OpenSubscriber): void;
  /** Channels that are new to a connection. Events from now on are for it. @param after a position before which it has all */
  add(
    subscriber: OpenSubscriber,
    channels: readonly string[],
    after: LinePosition | undefined,
  ): Promise<void>;
  remove(subscriber: OpenSubscriber, channels: readonly string[]): void;
  /** Resolves when to open a connection on a channel again, where that has failed. */
  retryTime(channel: string): Promise<void>;
}
