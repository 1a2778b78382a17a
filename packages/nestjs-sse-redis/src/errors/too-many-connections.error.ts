import { SseRedisError } from './sse-redis.error.js';

/** A stream was asked for beyond `limits.connections`, `connectionsPerUser` or `connectionsPerAddress`. */
export class TooManyConnectionsError extends SseRedisError {
  readonly code = 'TOO_MANY_CONNECTIONS';
  override readonly statusCode = 429;
}
