import { SseRedisError } from './sse-redis.error.js';

/** Redis holds, or sent, something under this hub's prefix that the hub did not write. */
export class UnexpectedReplyError extends SseRedisError {
  override readonly name: string = 'UnexpectedReplyError';
  readonly code = 'UNEXPECTED_REPLY';
}
