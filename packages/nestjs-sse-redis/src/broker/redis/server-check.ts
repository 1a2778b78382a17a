import type { Redis } from 'ioredis';
import { RedisUnavailableError } from '../../errors/redis-unavailable.error.js';
import { UnsupportedRedisError } from '../../errors/unsupported-redis.error.js';
import { isReplyError } from './refusals.js';

/** XRANGE with an exclusive start and XTRIM MINID came with 6.2. */
const OLDEST = [6, 2] as const;
/** Sharded pub/sub came with 7.0. */
const OLDEST_OF_CLUSTERS = [7, 0] as const;

/** A Redis to look at. */
interface Server {
  readonly redis: Redis;
  /** For messages. */
  readonly address: string;
  /** How many replicas publishes wait for. */
  readonly replicas: number;
  /** The option `redis` names a cluster. */
  readonly isCluster: boolean;
}

/**
 * Refuses a Redis that is too old, and warns of a setting that breaks a promise.
 *
 * @returns the server with its version, as `Redis 7.0.15` or `Valkey 8.1.1`; without where INFO is hidden
 * @throws UnsupportedRedisError
 */
export async function checkServer(
  { redis, address, replicas, isCluster }: Server,
  warn: (text: string) => void,
): Promise<string> {
  const info = await ask(redis, address);
  const version = /^redis_version:(\d+)\.(\d+)/m.exec(info);
  const [major, minor] = [Number(version?.[1]), Number(version?.[2])];
  const oldest = isCluster ? OLDEST_OF_CLUSTERS : OLDEST;
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
    throw new UnsupportedRedisError(
      `Redis at ${address} is ${major}.${minor}; ${oldest.join('.')} or later is needed${isCluster ? ' for a cluster' : ''} (or any Valkey).`,
    );
  }
  for (const warning of findWarnings(info, replicas, isCluster)) warn(`Redis at ${address} ${warning}`);
  return version ? describeServer(info) : 'Redis';
}

/** What is to be said of a server, each as the end of a sentence. */
function findWarnings(info: string, wanted: number, isCluster: boolean): string[] {
  if (!info) {
    return [
      'does not answer INFO: the hub cannot find out what evictions and failovers lose, and then tells clients of no gap. Give the user the right +info.',
    ];
  }
  const warnings: string[] = [];
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy && policy !== 'noeviction') {
    warnings.push(
      `has maxmemory-policy ${policy}: when its memory is full it evicts logs before their time, and clients are then told of gaps. Set noeviction.`,
    );
  }
  if (!isCluster && /^(cluster_enabled:1|redis_mode:cluster)\b/m.test(info)) {
    warnings.push(
      'is a node of a Redis Cluster, and the hub takes it for a Redis of its own: once another node has the keys of this prefix, it can do nothing. Name the cluster, as redis: { cluster: [nodes] } or redis+cluster://…',
    );
  }
  const replicas = Number(/^connected_slaves:(\d+)/m.exec(info)?.[1] ?? 0);
  if (replicas < wanted) {
    warnings.push(
      `has ${replicas} replicas, and the option replicas asks for ${wanted}: publishes wait for those in vain, and reject. Add replicas, or ask for fewer.`,
    );
  }
  // INFO has the line about good replicas only where `min-replicas-to-write` is not 0.
  if (replicas > 0 && !/^min_(slaves|replicas)_good_(slaves|replicas):/m.test(info)) {
    warnings.push(
      'has replicas and min-replicas-to-write 0: a master that a failover has replaced may go on storing events, which are then lost. Set min-replicas-to-write 1, with two replicas or more.',
    );
  }
  return warnings;
}

function describeServer(info: string): string {
  const valkey = /^valkey_version:(\S+)/m.exec(info)?.[1];
  return valkey ? `Valkey ${valkey}` : `Redis ${/^redis_version:(\S+)/m.exec(info)![1]}`;
}

async function ask(redis: Redis, address: string): Promise<string> {
  try {
    return await redis.info();
  } catch (cause) {
    if (isReplyError(cause)) return '';
    throw new RedisUnavailableError(`Redis at ${address} cannot be reached: ${(cause as Error).message}`, {
      cause,
    });
  }
}
