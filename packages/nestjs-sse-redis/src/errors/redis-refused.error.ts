import { SseRedisError } from './sse-redis.error.js';

/** Redis answered with an error (out of memory, read-only, no permission …): nothing was stored. Its words are in `cause`. */
export class RedisRefusedError extends SseRedisError {
  readonly code = 'REDIS_REFUSED';
  override readonly statusCode = 503;
}
