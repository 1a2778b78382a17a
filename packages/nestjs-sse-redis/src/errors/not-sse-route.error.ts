import { SseRedisError } from './sse-redis.error.js';

/**
 * What `hub.connect()` returned was subscribed to outside of an `@Sse()` route, where nobody begins the stream. Or a decorator is on a
 * handler without HTTP.
 */
export class NotSseRouteError extends SseRedisError {
  override readonly name: string = 'NotSseRouteError';
  readonly code = 'NOT_SSE_ROUTE';
}
