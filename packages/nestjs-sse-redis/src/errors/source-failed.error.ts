import { SseRedisError } from './sse-redis.error.js';

/** The source given to `hub.pipe()` threw. Its error is in `cause`. Clients see that it failed, not the words. */
export class SourceFailedError extends SseRedisError {
  override readonly name: string = 'SourceFailedError';
  readonly code = 'SOURCE_FAILED';
}
