import type { ConnectionState } from '../connection/connection-state.js';
import type { StreamEvent } from '../connection/stream-event.js';

/** Why a channel is not on the stream: a code of the hub, the status of the answer, or one of the client's own. */
export type RefusalReason =
  | number
  /** `authorize` refused it. */
  | 'FORBIDDEN_CHANNEL'
  /** `hub.unsubscribe()` took it off. */
  | 'UNSUBSCRIBED'
  /** The route does not connect with `{ control: true }`. */
  | 'NO_CONTROL'
  /** `EventSource` does not show to which channel an event belongs. */
  | 'EVENT_SOURCE';

/** Receives what a stream brings. A listener that throws is reported, and does not keep others from their events. */
export interface EventStreamListener {
  /** Events of the application, and of the hub: `gap`, `end`, `error`. Never `position` or `control`. */
  onEvent(event: StreamEvent): void;
  /** At each change of the state. */
  onState(state: ConnectionState): void;
  /** The stream knows its position, or has come to have another channel up to its position. */
  onPlaced?(): void;
  /** The channel has been removed. */
  onRefused(channel: string, reason?: RefusalReason): void;
}

/**
 * One stream with the channels that somebody needs: this page's own (`LocalStream`), or one that all tabs share (`SharedStream`).
 */
export interface EventStream {
  readonly state: ConnectionState;
  /** What the page has of the channels of the route; empty, or undefined, where that is not known. */
  readonly lastEventId?: string | undefined;
  listener: EventStreamListener;
  /** Connects. Called once. */
  start(): void;
  /**
   * Puts a channel on the stream, and again after each reconnect.
   *
   * Of a channel that is on it already nothing changes, unless some of its events after `after` have come before. Then all that came
   * after it come again, in order: whoever has had them drops them by their ids (`isAfter`).
   *
   * @param after the events that come are those after this id; undefined: from now on
   */
  add(channel: string, after?: string): void;
  /** Takes a channel off the stream. One that the route itself names stays. */
  remove(channel: string): void;
  /** Somebody listens for events of this type. `EventSource` gives out no others. */
  listen?(type: string): void;
  /** Ends the attempt or the wait that is going on, and connects at once. */
  reconnect(): void;
  /** Ends the stream for good. Nothing comes after it. */
  close(options?: CloseOptions): void;
}

/** Options of `client.close()`. */
export interface CloseOptions {
  /** In all tabs that share the stream: the user logs out. */
  readonly everywhere?: boolean | undefined;
}

/** Says where a stream stands, so that another can go on from there: the tabs that share it need not be where it is. */
export interface InspectableStream {
  /** What the page has of the channels of the route; empty where nothing is known yet. */
  readonly lastEventId: string;
  /** The place behind the last event that was handed over whole, whatever ended the script since. */
  readonly whole: StreamPlace;
  /** @returns undefined for a channel that is not known */
  inspect(channel: string): ChannelInspection | undefined;
}

/** Where a stream stands: what the page has of the channels of the route, and of those that were added and are covered. */
export type StreamPlace = readonly [lastEventId: string, coveredUpTo: string];

/** Where a channel of a stream stands. */
export interface ChannelInspection {
  /** The id after which the channel goes on when the stream is made anew; undefined: from then on. */
  readonly after: string | undefined;
  /** Everything up to the stream's `coveredUpTo` has come. */
  readonly covered: boolean;
  /** The route of the stream names the channel. */
  readonly isOfRoute: boolean;
}
