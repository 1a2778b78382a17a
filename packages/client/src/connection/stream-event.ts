/** An event as it came over the wire. */
export interface StreamEvent {
  /** `message` where the server named none. */
  readonly type: string;
  readonly data: string;
  /** The last event id of the stream with this event: what a reconnect resumes from. */
  readonly id: string;
  /** The channel that the server named; undefined where the stream names none, and for events of the hub itself. */
  readonly channel: string | undefined;
}
