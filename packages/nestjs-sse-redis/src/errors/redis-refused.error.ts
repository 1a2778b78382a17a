import type { RedisRefusalCode } from './error-code.js';
import { SseRedisError } from './sse-redis.error.js';

export interface RedisRefusedErrorOptions extends ErrorOptions {
  /** Default `REDIS_REFUSED`. */
  readonly code?: RedisRefusalCode;
}

/** Redis answered with an error (out of memory, read-only, no permission …): nothing was stored. Its words are in `cause`. */
export class RedisRefusedError extends SseRedisError {
  static override readonly status = 503;
  override readonly name: string = 'RedisRefusedError';
  readonly code: RedisRefusalCode;

  constructor(message: string, options: RedisRefusedErrorOptions = {}) {
    super(message, options);
    this.code = options.code ?? 'REDIS_REFUSED';
  }
}
