/**
 * The meaning of a refusal, the same for all versions of Redis and Valkey.
 *
 * - `REDIS_READONLY`, `REDIS_MASTER_DOWN`, `REDIS_CLUSTER_DOWN`: this server is not the master, or cannot act as one.
 * - `REDIS_MOVED`: another node of the cluster has the keys. `REDIS_MIGRATING`: they are on their way to another node.
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
  | 'REDIS_MOVED'
  | 'REDIS_MIGRATING'
  | 'REDIS_LOADING'
  | 'REDIS_BUSY'
  | 'REDIS_NO_REPLICAS'
  | 'REDIS_MISCONFIGURED'
  | 'REDIS_OUT_OF_MEMORY'
  | 'REDIS_FORBIDDEN'
  | 'REDIS_UNAUTHENTICATED'
  | 'REDIS_REFUSED';

/** The `code` of every error of this module; each is the one of a class, and stable across versions. */
export type SseRedisErrorCode =
  | 'ALREADY_CONNECTED'
  | 'AUTHORIZATION_FAILED'
  | 'DRAINING'
  | 'FORBIDDEN_CHANNEL'
  | 'HUB_CLOSED'
  | 'INVALID_ARGUMENT'
  | 'INVALID_CHANNEL'
  | 'INVALID_CONNECTION'
  | 'INVALID_EVENT'
  | 'INVALID_EVENT_DATA'
  | 'INVALID_EVENT_ID'
  | 'INVALID_OPTIONS'
  | 'NODE_UNREACHABLE'
  | 'NOT_SSE_ROUTE'
  | 'PAYLOAD_TOO_LARGE'
  | 'PIPE_INTERRUPTED'
  | 'NOT_REPLICATED'
  | 'PUBLISH_OUTCOME_UNKNOWN'
  | 'REDIS_CREDENTIALS'
  | 'REDIS_UNAVAILABLE'
  | 'RUN_ENDED'
  | 'RUN_EXISTS'
  | 'SOURCE_FAILED'
  | 'STATE_FULL'
  | 'TOO_MANY_CHANNELS'
  | 'TOO_MANY_CONNECTIONS'
  | 'UNEXPECTED_REPLY'
  | 'UNSUPPORTED_REDIS'
  | RedisRefusalCode;
