import { SseRedisError } from './sse-redis.error.js';

/** The data of an event is larger than `limits.payloadBytes`. Nothing was sent. */
export class PayloadTooLargeError extends SseRedisError {
  readonly code = 'PAYLOAD_TOO_LARGE';
  override readonly statusCode = 413;
}
