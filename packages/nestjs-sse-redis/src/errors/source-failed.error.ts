import { SseRedisError } from './sse-redis.error.js';

/** The source given to `hub.pipe()` threw. What it threw is in `cause`; clients are told of the failure, not of its words. */
export class SourceFailedError extends SseRedisError {
  readonly code = 'SOURCE_FAILED';
}
