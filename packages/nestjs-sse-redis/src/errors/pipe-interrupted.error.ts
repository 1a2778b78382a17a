import { SseRedisError } from './sse-redis.error.js';

/** The application was shut down before the source of a `hub.pipe()` had ended. Clients of the channel are sent this code, then the `end`. */
export class PipeInterruptedError extends SseRedisError {
  static override readonly status = 503;
  override readonly name: string = 'PipeInterruptedError';
  readonly code = 'PIPE_INTERRUPTED';
}
