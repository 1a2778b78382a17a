import { SseRedisError } from './sse-redis.error.js';

/**
 * Redis did not answer in time, or the connection broke before it did: the event may have been stored and
 * announced, or not. Publishing it again is safe with the same `idempotencyKey`, and only so.
 */
export class PublishOutcomeUnknownError extends SseRedisError {
  static override readonly status = 503;
  override readonly name: string = 'PublishOutcomeUnknownError';
  readonly code = 'PUBLISH_OUTCOME_UNKNOWN';
}
