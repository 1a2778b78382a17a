import { SseRedisError } from './sse-redis.error.js';

/**
 * The meaning of a refusal, the same for all versions of Redis and Valkey.
 *
 * - `REDIS_READONLY`, `REDIS_MASTER_DOWN`, `REDIS_CLUSTER_DOWN`: this server is not the master, or cannot act as one.
 * - `REDIS_LOADING`, `REDIS_BUSY`: it loads its data, or runs a script that does not end.
 * - `REDIS_NO_REPLICAS`: `min-replicas-to-write` is not met.
 * - `REDIS_MISCONFIGURED`: it cannot persist its data, and refuses to write.
 * - `REDIS_OUT_OF_MEMORY`: `maxmemory` is reached.
 * - `REDIS_FORBIDDEN`: the user lacks a right (ACL). `REDIS_UNAUTHENTICATED`: user or password are wrong.
 * - `REDIS_REFUSED`: another reason.
 */
export type RedisRefusalCode =
  | 'REDIS_READONLY'
  | 'REDIS_MASTER_DOWN'
  | 'REDIS_CLUSTER_DOWN'
  | 'REDIS_LOADING'
  | 'REDIS_BUSY'
  | 'REDIS_NO_REPLICAS'
  | 'REDIS_MISCONFIGURED'
  | 'REDIS_OUT_OF_MEMORY'
  | 'REDIS_FORBIDDEN'
  | 'REDIS_UNAUTHENTICATED'
  | 'REDIS_REFUSED';

export interface RedisRefusedErrorOptions extends ErrorOptions {
  /** Default `REDIS_REFUSED`. */
  readonly code?: RedisRefusalCode;
}

/** Redis answered with an error (out of memory, read-only, no permission …): nothing was stored. Its words are in `cause`. */
export class RedisRefusedError extends SseRedisError {
  readonly code: RedisRefusalCode;
  override readonly statusCode = 503;

  constructor(message: string, options: RedisRefusedErrorOptions = {}) {
    super(message, options);
    this.code = options.code ?? 'REDIS_REFUSED';
  }
}
