import { SseRedisError } from './sse-redis.error.js';

/** An event id, given in code, that this hub cannot have given out. */
export class InvalidEventIdError extends SseRedisError {
  readonly code = 'INVALID_EVENT_ID';
  override readonly statusCode = 400;
}
