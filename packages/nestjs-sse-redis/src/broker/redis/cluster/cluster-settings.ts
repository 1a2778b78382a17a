import { Redis, type Cluster, type NatMap, type RedisOptions } from 'ioredis';
import type { RedisClusterOptions, ServerAddress } from '../../../options/redis-cluster-options.interface.js';
import { toRedisUrl } from '../../../options/redis-url.js';
import { isClusterClient, namesCluster } from '../../../options/redis-checks.js';
import { seedResolver } from './seeds.js';
import { splitClusterUrl } from '../../../options/cluster-url.js';

/** A Redis Cluster, as the application gave it. */
export interface ClusterSettings {
  /** Nodes to ask for the others; at least one. */
  readonly seeds: readonly ServerAddress[];
  /** The same, as they are looked up now. */
  readonly resolveSeeds: () => Promise<readonly ServerAddress[]>;
  /** For the connections to each node. */
  readonly options: RedisOptions;
  /** Where a node that tells of itself as at one address is reached. */
  readonly natMap: NatMap | undefined;
  /** ms that one node may take to answer; one that takes longer is passed over. */
  readonly nodeTimeout: number;
}

/** As in ioredis: `slotsRefreshTimeout`. */
const NODE_TIMEOUT_MS = 1_000;

/** What ioredis keeps to itself in a `Cluster`; the same in ioredis 5 and 6. */
interface ClusterInternals {
  readonly startupNodes: readonly (string | number | Partial<ServerAddress>)[];
}

/** The cluster that the option `redis` names; undefined where it names one Redis. */
export function toClusterSettings(redis: unknown): ClusterSettings | undefined {
  if (typeof redis === 'string') return fromUrl(redis);
  if (typeof redis !== 'object' || redis === null) return undefined;
  if (isClusterClient(redis)) return fromCluster(redis);
  return namesCluster(redis) ? fromOptions(redis) : undefined;
}

function fromUrl(url: string): ClusterSettings | undefined {
  const urls = splitClusterUrl(url);
  if (!urls) return undefined;
  const nodes = urls.map(read);
  return { ...toSeeds(nodes), options: nodes[0]!, natMap: undefined };
}

function fromOptions({ cluster, natMap, ...options }: RedisClusterOptions): ClusterSettings {
  const nodes = cluster.map(read);
  return { ...toSeeds(nodes), options: { ...options, ...credentialsOf(nodes, options) }, natMap };
}

function fromCluster(cluster: Cluster): ClusterSettings {
  const { startupNodes } = cluster as unknown as ClusterInternals;
  const {
    redisOptions,
    natMap,
    keyPrefix,
    slotsRefreshTimeout: nodeTimeout = NODE_TIMEOUT_MS,
  } = cluster.options;
  const nodes = startupNodes.map(read);
  const seeds = nodes.map(toAddress);
  return {
    seeds,
    resolveSeeds: seedResolver(cluster, seeds, nodeTimeout),
    // The database of one Redis, which ioredis ignores here: it would be a part of the names of channels.
    options: {
      ...redisOptions,
      ...credentialsOf(nodes, redisOptions),
      ...(keyPrefix && { keyPrefix }),
      db: 0,
    },
    natMap,
    nodeTimeout,
  };
}

function toSeeds(
  nodes: readonly RedisOptions[],
): Pick<ClusterSettings, 'seeds' | 'resolveSeeds' | 'nodeTimeout'> {
  const seeds = nodes.map(toAddress);
  return { seeds, resolveSeeds: () => Promise.resolve(seeds), nodeTimeout: NODE_TIMEOUT_MS };
}

/** A node as ioredis reads it: a URL, a port, or an address. */
function read(node: string | number | Partial<ServerAddress>): RedisOptions {
  const known = typeof node === 'string' ? toRedisUrl(node) : node;
  return new Redis(known as string, { lazyConnect: true }).options;
}

function toAddress({ host, port }: RedisOptions): ServerAddress {
  return { host: host!, port: port! };
}

/** Those in the URL of a node, which ioredis takes for all, where the settings for all nodes have none. */
function credentialsOf(nodes: readonly RedisOptions[], options: RedisOptions = {}): RedisOptions {
  const { username, password, tls } = nodes.find((node) => node.password) ?? nodes[0]!;
  const own = { username: options.username ?? username, password: options.password ?? password };
  return {
    ...(own.username && { username: own.username }),
    ...(own.password && { password: own.password }),
    ...((options.tls ?? tls) && { tls: options.tls ?? tls }),
  };
}
