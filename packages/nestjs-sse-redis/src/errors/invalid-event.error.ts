import { SseRedisError } from './sse-redis.error.js';

/** An event that cannot be published: its type is not allowed, or its data is nothing that JSON can carry. */
export class InvalidEventError extends SseRedisError {
  static override readonly status = 400;
  override readonly name: string = 'InvalidEventError';
  readonly code = 'INVALID_EVENT';
}
