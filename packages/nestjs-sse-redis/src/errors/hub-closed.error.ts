import { SseRedisError } from './sse-redis.error.js';

/** The hub was used before the module started or after it was closed; or a publisher after it was closed. */
export class HubClosedError extends SseRedisError {
  static override readonly status = 503;
  override readonly name: string = 'HubClosedError';
  readonly code = 'HUB_CLOSED';
}
