import { SseRedisError } from './sse-redis.error.js';

/** A channel name that is empty, too long, or has characters that no channel name may have. */
export class InvalidChannelError extends SseRedisError {
  static override readonly status = 400;
  override readonly name: string = 'InvalidChannelError';
  readonly code = 'INVALID_CHANNEL';
}
