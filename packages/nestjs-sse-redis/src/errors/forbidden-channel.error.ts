import { SseRedisError } from './sse-redis.error.js';

/** A client may not be on some channels, as the `authorize` option says. */
export class ForbiddenChannelError extends SseRedisError {
  static override readonly status = 403;
  override readonly name: string = 'ForbiddenChannelError';
  readonly code = 'FORBIDDEN_CHANNEL';

  constructor(
    message: string,
    readonly channels: readonly string[],
  ) {
    super(message);
  }
}
