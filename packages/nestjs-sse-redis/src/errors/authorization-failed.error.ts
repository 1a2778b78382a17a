import { SseRedisError } from './sse-redis.error.js';

/** The `authorize` option threw. Its error is in `cause`. The client is asked to come back later, and does not see the words. */
export class AuthorizationFailedError extends SseRedisError {
  override readonly name: string = 'AuthorizationFailedError';
  readonly code = 'AUTHORIZATION_FAILED';
}
