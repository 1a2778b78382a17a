import { Redis, type Cluster, type NatMap, type RedisOptions } from 'ioredis';
import type { RedisClusterOptions, ServerAddress } from '../../../options/redis-cluster-options.interface.js';
import { namesCluster } from '../../../options/redis-checks.js';
import { splitClusterUrl } from '../../../options/cluster-url.js';

/** A Redis Cluster, as the application gave it. */
export interface ClusterSettings {
  /** Nodes to ask for the others; at least one. */
  readonly seeds: readonly ServerAddress[];
  /** For the connections to each node. */
  readonly options: RedisOptions;
  /** Where a node that tells of itself as at one address is reached. */
  readonly natMap: NatMap | undefined;
}

/** What ioredis keeps to itself in a `Cluster`; the same in ioredis 5 and 6. */
interface ClusterInternals {
  readonly startupNodes: readonly (string | number | Partial<ServerAddress>)[];
}

/** The cluster that the option `redis` names; undefined where it names one Redis. */
export function toClusterSettings(redis: unknown): ClusterSettings | undefined {
  if (typeof redis === 'string') return fromUrl(redis);
  if (typeof redis !== 'object' || redis === null) return undefined;
  if ('isCluster' in redis && redis.isCluster) return fromCluster(redis as Cluster);
  return namesCluster(redis) ? fromOptions(redis) : undefined;
}

function fromUrl(url: string): ClusterSettings | undefined {
  const urls = splitClusterUrl(url);
  if (!urls) return undefined;
  const nodes = urls.map(read);
  return { seeds: nodes.map(toAddress), options: nodes[0]!, natMap: undefined };
}

function fromOptions({ cluster, natMap, ...options }: RedisClusterOptions): ClusterSettings {
  const nodes = cluster.map(read);
  return {
    seeds: nodes.map(toAddress),
    options: { ...credentialsOf(nodes), ...options },
    natMap,
  };
}

function fromCluster(cluster: Cluster): ClusterSettings {
  const { startupNodes } = cluster as unknown as ClusterInternals;
  const { redisOptions, natMap, keyPrefix } = cluster.options;
  const nodes = startupNodes.map(read);
  return {
    seeds: nodes.map(toAddress),
    options: { ...credentialsOf(nodes), ...redisOptions, ...(keyPrefix && { keyPrefix }) },
    natMap,
  };
}

/** A node as ioredis reads it: a URL, a port, or an address. */
function read(node: string | number | Partial<ServerAddress>): RedisOptions {
  return new Redis(node as string, { lazyConnect: true }).options;
}

function toAddress({ host, port }: RedisOptions): ServerAddress {
  return { host: host!, port: port! };
}

/** Those in the URL of a node, which ioredis takes for all. */
function credentialsOf(nodes: readonly RedisOptions[]): RedisOptions {
  const { username, password, tls } = nodes.find((node) => node.password) ?? nodes[0]!;
  return { ...(username && { username }), ...(password && { password }), ...(tls && { tls }) };
}
