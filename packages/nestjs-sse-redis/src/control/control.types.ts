/** Options of `hub.disconnect()`. */
export interface DisconnectOptions {
  /** Told to the client and, in the departure, to the registry. Default `'disconnected'`. At most 200 characters. */
  readonly reason?: string;
  /** Whether its client may come back. Default false: it gets an `end` event, and 204 when it returns, which ends an EventSource. */
  readonly reconnect?: boolean;
}

/** Options of `hub.subscribe()`. */
export interface SubscribeOptions {
  /**
   * The new channels begin after this event id, or each after its own, by their names; those without one begin at now. What is no longer
   * retained is told as a gap. Default: at now.
   */
  readonly after?: string | Readonly<Record<string, string>>;
}

/** The outcome of a command to connections in any process. */
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
