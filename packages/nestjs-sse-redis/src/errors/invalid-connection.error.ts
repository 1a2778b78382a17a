import { SseRedisError } from './sse-redis.error.js';

/** The description of a connection cannot be registered: its user, its metadata or its expiry. */
export class InvalidConnectionError extends SseRedisError {
  static override readonly status = 400;
  override readonly name: string = 'InvalidConnectionError';
  readonly code = 'INVALID_CONNECTION';
}
