/** Codes of the errors that channels and their names lead to. */
export type SseClientErrorCode =
  /** The name of a channel, or a parameter of it, cannot be used. */
  | 'INVALID_CHANNEL'
  /** An option of `client.channel()` cannot be used. */
  | 'INVALID_CHANNEL_OPTIONS'
  /** An option of `usePresence()` cannot be used. */
  | 'INVALID_PRESENCE_OPTIONS'
  /** The server refused the channel, or cannot add channels to this stream. */
  | 'CHANNEL_REFUSED'
  /** `getState` failed. It is called again after a while. */
  | 'STATE_FAILED'
  /** The map of a state channel cannot be had: `stateMap()`. */
  | 'NO_MAP'
  /** An iterator is read more slowly than events come. */
  | 'SLOW_READER'
  /** The client has stopped for good. */
  | 'STOPPED'
  /** `client.close()` was called before. */
  | 'CLIENT_CLOSED';

/** An error of the client. The message says what to do. */
export class SseClientError extends Error {
  override readonly name = 'SseClientError';

  constructor(
    readonly code: SseClientErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
