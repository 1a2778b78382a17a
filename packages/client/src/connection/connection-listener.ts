import type { ConnectionState } from './connection-state.js';
import type { StreamEvent } from './stream-event.js';

/** With what the page may change the channels of its stream (`connect(…, { control: true })` at the server). */
export interface ControlNotice {
  /** The id of the connection. */
  readonly connection: string;
  /** Proves to the controller that the request comes from the reader of this stream. */
  readonly secret: string;
  /** Those that the route named. */
  readonly channels?: readonly string[];
  /** ms between two heartbeats. */
  readonly heartbeat?: number;
}

/** Says in the stream where a change of channels has taken effect. */
export interface ChangeNotice {
  /** The number that the request gave to it. */
  readonly change: number;
  readonly subscribed?: readonly string[];
  readonly unsubscribed?: readonly string[];
}

/** Receives what a connection brings. An error that it throws is logged, and changes nothing for the connection. */
export interface ConnectionListener {
  /** Events of the application, and of the hub: `gap`, `end`, `error`. */
  onEvent(event: StreamEvent): void;
  /** Once for each stream, before the events that follow. */
  onControl(control: ControlNotice): void;
  /** Where a change of channels has taken effect in the stream. */
  onChange?(notice: ChangeNotice): void;
  /** A block of the stream has been handed over, and nothing has ended the script meanwhile. */
  readonly onWhole?: () => void;
  /** At each change of the state. */
  onState(state: ConnectionState): void;
}
