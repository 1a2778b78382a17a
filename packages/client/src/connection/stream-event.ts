/** An event as it came over the wire. */
export interface StreamEvent {
  /** `message` where the server named none. */
  readonly type: string;
  readonly data: string;
  /** The last event id of the stream with this event: what a reconnect resumes from. */
  readonly id: string;
  /** The channel that the server named; undefined where the stream names none, and for events of the hub itself. */
  readonly channel: string | undefined;
  /** The server says that the data were published as a string. Undefined where it does not say how they were. */
  readonly isText?: boolean | undefined;
  /** Of an event of a state channel: under which it replaces the one before. */
  readonly key?: string | undefined;
  /** The event's own id, where it is an event of a channel. Those of the hub and of `sendTo()` repeat an earlier id. */
  readonly own?: string | undefined;
}
