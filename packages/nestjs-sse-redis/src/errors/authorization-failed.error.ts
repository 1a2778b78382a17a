import { SseRedisError } from './sse-redis.error.js';

/** The `authorize` option threw. What it threw is in `cause`; the client is told to come back later, not of its words. */
export class AuthorizationFailedError extends SseRedisError {
  readonly code = 'AUTHORIZATION_FAILED';
}
