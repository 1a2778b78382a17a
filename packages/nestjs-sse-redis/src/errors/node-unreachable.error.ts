import { SseRedisError } from './sse-redis.error.js';

/**
 * Some processes did not answer in time: what was asked is done in all others, and may be done in these or not. Repeat it.
 */
export class NodeUnreachableError extends SseRedisError {
  static override readonly status = 503;
  override readonly name: string = 'NodeUnreachableError';
  readonly code = 'NODE_UNREACHABLE';

  constructor(
    message: string,
    /** The ids of the processes that did not answer. */
    readonly nodes: readonly string[],
  ) {
    super(message);
  }
}
