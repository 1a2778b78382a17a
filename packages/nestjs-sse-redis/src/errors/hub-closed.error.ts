import { SseRedisError } from './sse-redis.error.js';

/** The hub was used before the module started or after it was closed. */
export class HubClosedError extends SseRedisError {
  readonly code = 'HUB_CLOSED';
  override readonly statusCode = 503;
}
