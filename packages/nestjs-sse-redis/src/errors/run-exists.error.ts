import { SseRedisError } from './sse-redis.error.js';

/** The channel has a run that is going on, and `onExisting` is `'refuse'`. */
export class RunExistsError extends SseRedisError {
  static override readonly status = 409;
  override readonly name: string = 'RunExistsError';
  readonly code = 'RUN_EXISTS';

  constructor(
    message: string,
    /** The id of the run that is going on. */
    readonly runId: string,
  ) {
    super(message);
  }
}
