/** How much the log of a channel keeps, where that is not what the options say. */
export interface LogHistory {
  /** About how many events. */
  readonly maxLength?: number | undefined;
  /** For how long each of them, ms. */
  readonly ttl?: number | undefined;
  /** For how long all of them after an `end` that no event follows, ms. */
  readonly ttlAfterEnd?: number | undefined;
}
