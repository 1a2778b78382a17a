import { SseRedisError } from './sse-redis.error.js';

/** How a run ended. */
export type RunEndState = 'done' | 'failed' | 'stopped' | 'interrupted';

/** The run is over, or another one has taken its place: nothing of it is stored any more. */
export class RunEndedError extends SseRedisError {
  static override readonly status = 409;
  override readonly name: string = 'RunEndedError';
  readonly code = 'RUN_ENDED';

  constructor(
    message: string,
    /** How it ended. */
    readonly state: RunEndState,
  ) {
    super(message);
  }
}
