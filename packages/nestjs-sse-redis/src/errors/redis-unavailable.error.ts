import { SseRedisError } from './sse-redis.error.js';

/** Redis cannot be reached. The request was not carried out: it is safe to try again. */
export class RedisUnavailableError extends SseRedisError {
  static override readonly status = 503;
  override readonly name: string = 'RedisUnavailableError';
  readonly code = 'REDIS_UNAVAILABLE';
}
