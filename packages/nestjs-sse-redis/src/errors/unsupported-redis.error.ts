import { SseRedisError } from './sse-redis.error.js';

/** The Redis server is older than 6.2, or lacks something that the hub needs. */
export class UnsupportedRedisError extends SseRedisError {
  override readonly name: string = 'UnsupportedRedisError';
  readonly code = 'UNSUPPORTED_REDIS';
}
