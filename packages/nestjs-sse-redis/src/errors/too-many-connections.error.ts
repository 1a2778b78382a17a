import { SseRedisError } from './sse-redis.error.js';

/** A stream was asked for beyond `limits.connections`, `connectionsPerUser` or `connectionsPerAddress`. */
export class TooManyConnectionsError extends SseRedisError {
  static override readonly status = 429;
  override readonly name: string = 'TooManyConnectionsError';
  readonly code = 'TOO_MANY_CONNECTIONS';
}
