import { SseRedisError } from './sse-redis.error.js';

/** This process is being shut down and takes no new streams. */
export class DrainingError extends SseRedisError {
  static override readonly status = 503;
  override readonly name: string = 'DrainingError';
  readonly code = 'DRAINING';
}
