import type { ConnectionState } from '../connection/connection-state.js';
import type { StreamEvent } from '../connection/stream-event.js';

/** Receives what a stream brings. A listener that throws is reported, and does not keep others from their events. */
export interface EventStreamListener {
  /** Events of the application, and of the hub: `gap`, `end`, `error`. Never `position` or `control`. */
  onEvent(event: StreamEvent): void;
  onState(state: ConnectionState): void;
  /** The server refused a channel; it has been removed. */
  onRefused(channel: string): void;
}

/**
 * One stream with the channels that somebody needs: this page's own (`LocalStream`), or one that all tabs share (`SharedStream`).
 */
export interface EventStream {
  readonly state: ConnectionState;
  listener: EventStreamListener;
  /** Connects. Called once. */
  start(): void;
  /**
   * Puts a channel on the stream, and again after each reconnect. Of a channel that is on it already, nothing.
   *
   * @param after the events that come are those after this id; undefined: from now on
   */
  add(channel: string, after?: string): void;
  /** Takes a channel off the stream. One that the route itself names stays, and its events are dropped. */
  remove(channel: string): void;
  /** Ends the attempt or the wait that is going on, and connects at once. */
  reconnect(): void;
  close(): void;
}
