import { SseRedisError } from './sse-redis.error.js';

/** The data of an event is larger than `limits.payloadBytes`. Nothing was sent. */
export class PayloadTooLargeError extends SseRedisError {
  static override readonly status = 413;
  override readonly name: string = 'PayloadTooLargeError';
  readonly code = 'PAYLOAD_TOO_LARGE';
}
