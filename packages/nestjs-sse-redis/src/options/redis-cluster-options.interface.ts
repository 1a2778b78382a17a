import type { NatMap, RedisOptions } from 'ioredis';

/** Where a server is. */
export interface ServerAddress {
  readonly host: string;
  /** TCP port. */
  readonly port: number;
}

/**
 * A Redis Cluster (Redis 7.0 or later, or Valkey; ioredis 6), with the settings for the connections to each of its nodes.
 *
 * @example
 * ```ts
 * SseRedisModule.forRoot({ redis: { cluster: ['redis://redis-1:6379', 'redis://redis-2:6379'], password } });
 * ```
 */
export interface RedisClusterOptions extends Omit<
  RedisOptions,
  'host' | 'port' | 'path' | 'sentinels' | 'name' | 'natMap'
> {
  /** Some of its nodes, as URLs or addresses: the hub asks them for the others. One that is up is enough. */
  readonly cluster: readonly (string | Partial<ServerAddress>)[];
  /** Where a node is reached that tells of itself as at `<host>:<port>`, as for containers behind NAT. */
  readonly natMap?: NatMap;
}
