/** An event as an application publishes it. */
export interface SseEventInput {
  /** The name under which `EventSource` dispatches it; without one it is a `message`. */
  readonly type?: string;
  /** A string is sent as it is, line by line; everything else as JSON. */
  readonly data: unknown;
}

/** An event as `hub.events()` and `hub.history()` give it. */
export interface SseEvent {
  readonly id: string;
  readonly channel: string;
  readonly type?: string;
  /** A string if a string was published (its line ends are `\n` now), else the value that was published. */
  readonly data: unknown;
  /** Of an event of a state channel: its key. */
  readonly key?: string;
}
