import { SseRedisError } from './sse-redis.error.js';

/** An argument of a method is out of its range: a count, a limit, a filter, a page or a reason. */
export class InvalidArgumentError extends SseRedisError {
  static override readonly status = 400;
  override readonly name: string = 'InvalidArgumentError';
  readonly code = 'INVALID_ARGUMENT';
}
