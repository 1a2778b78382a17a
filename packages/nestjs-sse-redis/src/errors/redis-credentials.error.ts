import { SseRedisError } from './sse-redis.error.js';

/** The function `redisCredentials` threw, did not answer in time, or returned no password. Its own error is in `cause`. */
export class RedisCredentialsError extends SseRedisError {
  static override readonly status = 503;
  override readonly name: string = 'RedisCredentialsError';
  readonly code = 'REDIS_CREDENTIALS';
}
