import { SseRedisError } from './sse-redis.error.js';

/** An option of `SseRedisModule.forRoot` has a value that it cannot take. The message names all such options. */
export class InvalidOptionsError extends SseRedisError {
  override readonly name: string = 'InvalidOptionsError';
  readonly code = 'INVALID_OPTIONS';
}
