import { SseRedisError } from './sse-redis.error.js';

/** The Redis server is older than 6.2, or lacks something that the hub needs. */
export class UnsupportedRedisError extends SseRedisError {
  readonly code = 'UNSUPPORTED_REDIS';
}
