/** Options of `hub.connect()`. */
export interface ConnectOptions {
  /**
   * How many of the last retained events of its channels, counted together, a new client first gets. A client is new
   * if it gives no last event id. At most 1,000. Default 0: it begins at now; on one channel alone, `rewind` of its definition.
   */
  readonly rewind?: number;
  /**
   * The event id after which a new client begins, in the place of `rewind`: the `id` of a run, for all of the run; or what
   * `hub.cursor()` returned. It counts for all channels; for those of other shards it says nothing, and they begin at now.
   */
  readonly from?: string;
  /** Whose connection it is. Default: what the `identify` option told of the request. */
  readonly user?: string | number | undefined;
  /** Data of the connection in the registry: anything that JSON can carry, up to `limits.metadataBytes`. */
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
