import { SseRedisError } from './sse-redis.error.js';

/** This process is being shut down and takes no new streams. */
export class DrainingError extends SseRedisError {
  readonly code = 'DRAINING';
  override readonly statusCode = 503;
}
