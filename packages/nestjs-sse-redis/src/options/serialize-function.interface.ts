/** The context of an event, for the `serialize` option. */
export interface SerializeContext {
  /** The channel that the event is published to. Undefined for `hub.sendTo()`, which has no channel. */
  readonly channel: string | undefined;
}

/**
 * Returns what is published in the place of `data`: a string, or anything that JSON can carry. The result counts for
 * clients, `hub.events()` and `hub.history()` alike. The function must be synchronous.
 */
export type SerializeFunction = (data: unknown, context: SerializeContext) => unknown;
