import { SseRedisError } from './sse-redis.error.js';

/** The state channel has as many keys as `state.maxKeys` of its definition allows. Nothing was stored, and nothing removed for it. */
export class StateFullError extends SseRedisError {
  static override readonly status = 409;
  override readonly name: string = 'StateFullError';
  readonly code = 'STATE_FULL';
}
