import { SseRedisError } from './sse-redis.error.js';

/** An event id, given in code, that this hub cannot have given out. */
export class InvalidEventIdError extends SseRedisError {
  static override readonly status = 400;
  override readonly name: string = 'InvalidEventIdError';
  readonly code = 'INVALID_EVENT_ID';
}
