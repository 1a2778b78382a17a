import { Redis, type Cluster } from 'ioredis';
import { describeValue } from '../event/describe-value.js';
import type { RedisClusterOptions } from './redis-cluster-options.interface.js';
import { splitClusterUrl } from './cluster-url.js';
import { toRedisUrl } from './redis-url.js';

/** What is looked at in an ioredis `Cluster`; the same in ioredis 5 and 6. */
interface ClusterInternals {
  readonly startupNodes?: unknown;
  readonly options: { readonly redisOptions?: object; readonly keyPrefix?: unknown };
}

/** A URL without a path, or with that of the one database of a cluster. */
const DATABASE_0 = /^\w+:\/\/[^/?]*(\/0?)?(\?(?!(.*&)?db=)|$)/;
const NO_DATABASE = 'one with a database: a cluster has but 0';

/** The fault of a URL of a Redis or of a cluster. The URL is never shown: it may have a password in it. */
export function findProblemOfRedisUrl(url: string): string | undefined {
  const redis = toRedisUrl(url);
  if (!/^rediss?\+cluster:/.test(redis)) return findProblemOfOneUrl(redis);
  const urls = splitClusterUrl(redis);
  if (!urls) return 'one that cannot be read: redis+cluster://user:password@host:6379,other:6379 is meant';
  if (urls.some((url) => !DATABASE_0.test(url))) return NO_DATABASE;
  if (urls.some((url) => !/^\w+:\/\/([^@/]*@)?[^:/?]/.test(url)))
    return 'one that names a node without a host';
  return urls.map(findProblemOfOneUrl).find((problem) => problem !== undefined);
}

/** The faults of ioredis options for one Redis. An existing client has been made with its own. */
export function findProblemsOfOptions(value: object): string[] {
  const problem = findForeign(value);
  if (problem !== undefined) return [problem];
  if ('duplicate' in value) return [];
  const { host, port, db } = value as Record<string, unknown>;
  const problems: string[] = [];
  // ioredis would take 127.0.0.1.
  if ('host' in value && host === undefined)
    problems.push('redis.host is undefined: is the environment variable set that it comes from?');
  else if (host !== undefined && typeof host !== 'string')
    problems.push(`redis.host takes a name or an address, it got ${describeValue(host)}`);
  if (!isAbsentOrNumber(port, 65_535))
    problems.push(`redis.port takes a number from 0 to 65535, it got ${describeValue(port)}`);
  if (!isAbsentOrNumber(db, Infinity))
    problems.push(`redis.db takes the number of a database, it got ${describeValue(db)}`);
  // A connector of the application makes of them what it likes.
  const hasSentinels = 'sentinels' in value && !('Connector' in value);
  return hasSentinels ? [...problems, ...findProblemsOfSentinels({ ...value })] : problems;
}

/** ioredis would take a Redis, or a Sentinel, of this machine where none is named. */
function findProblemsOfSentinels(value: Record<string, unknown>): string[] {
  const { sentinels, name, host, path, port } = value;
  // Options that have Sentinels in some places, and one Redis in others.
  if (!sentinels && (host ?? path ?? port) !== undefined) return [];
  if (sentinels === undefined)
    return ['redis.sentinels is undefined: is the environment variable set that it comes from?'];
  if (!Array.isArray(sentinels) || sentinels.length === 0)
    return [`redis.sentinels takes a list of { host, port }, it got ${describeKind(sentinels)}`];
  const problems = (sentinels as unknown[])
    .filter((sentinel) => !isSentinel(sentinel))
    .map((sentinel) => `redis.sentinels takes { host, port }, it got ${describeKind(sentinel)}`);
  if (typeof name !== 'string' || name === '')
    problems.push(
      `redis.name takes the name of the master that Sentinels know, it got ${describeValue(name)}`,
    );
  return problems;
}

function isSentinel(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { host, port } = value as Record<string, unknown>;
  if ('host' in value && typeof host !== 'string') return false;
  return isAbsentOrNumber(port, 65_535);
}

/** A string may be a URL with a password in it. */
function describeKind(value: unknown): string {
  return typeof value === 'string' ? 'a string' : describeValue(value);
}

/** What other packages take or are. ioredis would ignore it all, and connect to a Redis on this machine. */
function findForeign(value: object): string | undefined {
  if (!('duplicate' in value)) {
    if ('url' in value) return 'redis.url is no option of ioredis: give redis the URL itself';
    if ('socket' in value) return 'redis.socket is no option of ioredis: give redis { host, port }, or a URL';
    return undefined;
  }
  // The package redis, and its earlier versions; the last also ioredis-mock.
  if (!('isOpen' in value) && !('connected' in value)) return undefined;
  return "redis takes a URL, ioredis options or an ioredis Redis or Cluster, it got a client of another package. Tests without a Redis say 'embedded'";
}

/** As text, too: it may come from an environment variable. */
function isAbsentOrNumber(value: unknown, most: number): boolean {
  if (value === undefined || value === null) return true;
  const isNumeric = typeof value === 'string' ? /^\d+$/.test(value) : Number.isInteger(value);
  return isNumeric && Number(value) >= 0 && Number(value) <= most;
}

/** Whether an object says where a cluster is. The clients of ioredis have a method of this name. */
export function namesCluster(redis: object): redis is RedisClusterOptions {
  return 'cluster' in redis && typeof redis.cluster !== 'function';
}

/** The faults of `{ cluster, …ioredis options }`. */
export function findProblemsOfCluster(value: object): string[] {
  const { cluster, db, ...others } = value as Partial<RedisClusterOptions> & Record<string, unknown>;
  const problems: string[] = [];
  if (!Array.isArray(cluster) || cluster.length === 0) {
    problems.push(
      `redis.cluster takes a list of nodes, as URLs or { host, port }, it got ${describeKind(cluster)}`,
    );
  } else {
    for (const node of cluster as unknown[]) problems.push(...findProblemsOfNode(node));
  }
  if (db) problems.push(`redis.db is ${describeValue(db)}, and a cluster has but 0`);
  problems.push(...findProblemsOfPrefix('redis.keyPrefix', others['keyPrefix']));
  for (const name of ['host', 'port', 'path', 'sentinels', 'Connector']) {
    if (others[name] !== undefined)
      problems.push(`redis has cluster and ${name}: one of the two says where Redis is`);
  }
  return problems;
}

/** Whether it is an ioredis `Cluster`, of any version. */
export function isClusterClient(redis: object): redis is Cluster {
  return 'isCluster' in redis && Boolean(redis.isCluster);
}

/** The faults of an ioredis `Cluster`. */
export function findProblemsOfClusterClient(cluster: Cluster): string[] {
  const { startupNodes, options } = cluster as unknown as ClusterInternals;
  const { redisOptions = {}, keyPrefix } = options;
  if (!Array.isArray(startupNodes) || startupNodes.length === 0)
    return ['redis takes a Cluster with one node at least to begin with, it got one without'];
  const problems = ['path', 'sentinels', 'Connector']
    .filter((name) => name in redisOptions)
    .map((name) => `redis is a Cluster with ${name} in its redisOptions: one of the two says where Redis is`);
  return [...problems, ...findProblemsOfPrefix('the keyPrefix of the Cluster', keyPrefix)];
}

/**
 * ioredis 5 takes the end of a subscription that a node ends by itself, as where a slot moves, for the answer to another command.
 * RESP3 came with the version that does not, and so did its option.
 */
export function findProblemsOfVersion(redis: string | object): string[] {
  const isCluster =
    typeof redis === 'string'
      ? splitClusterUrl(redis) !== undefined
      : isClusterClient(redis) || namesCluster(redis);
  if (!isCluster || 'protocol' in new Redis({ lazyConnect: true }).options) return [];
  return [
    'redis names a cluster, which needs ioredis 6, and an older one is installed (npm install ioredis@6)',
  ];
}

/** All keys are to be in one slot: the first `{…}` in them that is not empty says in which one. */
function findProblemsOfPrefix(name: string, keyPrefix: unknown): string[] {
  if (typeof keyPrefix !== 'string' || !keyPrefix.startsWith('}')) return [];
  return [`${name} begins with }, and the keys of the hub would not be in one slot of the cluster`];
}

function findProblemsOfNode(node: unknown): string[] {
  if (typeof node === 'string') {
    const problem = findProblemOfNodeUrl(node);
    return problem
      ? [`redis.cluster takes URLs that begin with redis:// or rediss://, it got ${problem}`]
      : [];
  }
  const { host, port } = (node ?? {}) as { host?: unknown; port?: unknown };
  const isPort = port === undefined || (Number.isInteger(port) && Number(port) > 0 && Number(port) <= 65_535);
  if (typeof node === 'object' && node !== null && (host === undefined || typeof host === 'string') && isPort)
    return [];
  return [`redis.cluster takes URLs or { host, port }, it got ${describeValue(node)}`];
}

function findProblemOfNodeUrl(given: string): string | undefined {
  const url = toRedisUrl(given);
  if (!/^rediss?:\/\//.test(url)) return 'another string';
  return findProblemOfOneUrl(url) ?? (DATABASE_0.test(url) ? undefined : NO_DATABASE);
}

/** The fault of a URL of one Redis. The URL is never shown: it may have a password in it. */
function findProblemOfOneUrl(redis: string): string | undefined {
  // The path of a Unix socket, as ioredis takes it.
  if (redis.startsWith('/')) return undefined;
  if (!/^(rediss?|unix):\/\/./.test(redis)) return 'another string';
  try {
    const { username, password, hash } = new URL(redis);
    decodeURIComponent(username + password);
    if (hash === '') return findProblemOfDatabase(redis);
  } catch {
    // The answer is below.
  }
  const port = /^\w+:\/\/[^/?#]*:([^/?#@:\]]*)(?:[/?#]|$)/.exec(redis)?.[1];
  if (port !== undefined && !(/^\d*$/.test(port) && Number(port) <= 65_535)) {
    return 'one whose port is no number from 0 to 65535';
  }
  return 'one that cannot be read: special characters in user and password must be percent-encoded';
}

/** ioredis would ask for the database NaN, and go on in 0. */
function findProblemOfDatabase(redis: string): string | undefined {
  const { db } = new Redis(redis, { lazyConnect: true }).options;
  return isAbsentOrNumber(db, Infinity) ? undefined : 'one whose database is no number';
}
