/** Where a new client begins on a channel: with all that is retained (`'start'`), after an event id, or with some of the last events. */
export type StartOfChannel = string | { readonly last: number };

/** The same for all channels of a stream, or for each by its name. */
export type StartFrom = StartOfChannel | Readonly<Record<string, StartOfChannel>>;

/** Options of `hub.connect()`. */
export interface ConnectOptions {
  /**
   * How many of the last retained events of its channels, counted together, a new client first gets. A client is new
   * if it gives no last event id. At most 1,000. Default 0: it begins at now; on one channel alone, `rewind` of its definition.
   */
  readonly rewind?: number;
  /**
   * Where a new client begins, in the place of `rewind`.
   *
   * - `'start'`: with all that is retained of each channel. Where older events of it were trimmed, a `gap` comes first.
   * - an event id: after it, on all channels: the `id` of a run, for all of the run; or what `hub.cursor()` returned. For channels of
   *   other shards it says nothing, and they begin at now.
   * - `{ last: n }`: with the last events of all channels together, as `rewind: n`.
   * - `{ 'order:7': 'start' }`: each channel by its name, the others at now. A reference is one as `${orders({ id: 7 })}`. At most 256 of
   *   them, divided by the number of shards.
   */
  readonly from?: StartFrom;
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
   * channels through `SseConnectionsController`. Such a connection may begin without channels. Default false.
   */
  readonly control?: boolean;
}
