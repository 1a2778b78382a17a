import { SseRedisError } from './sse-redis.error.js';

/** A client may not be on some channels, as the `authorize` option says. */
export class ForbiddenChannelError extends SseRedisError {
  readonly code = 'FORBIDDEN_CHANNEL';
  override readonly statusCode = 403;

  constructor(
    message: string,
    readonly channels: readonly string[],
  ) {
    super(message);
  }
}
