import { SseRedisError } from './sse-redis.error.js';

/** Redis cannot be reached. What was asked for was not done: it is safe to try again. */
export class RedisUnavailableError extends SseRedisError {
  readonly code = 'REDIS_UNAVAILABLE';
  override readonly statusCode = 503;
}
