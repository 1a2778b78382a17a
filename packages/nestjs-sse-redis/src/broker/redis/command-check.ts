import type { Redis } from 'ioredis';
import { RedisRefusedError } from '../../errors/redis-refused.error.js';
import { UnsupportedRedisError } from '../../errors/unsupported-redis.error.js';
import type { Commands } from './commands.js';
import { getReason, isPassing, isReplyError, toRefusal } from './refusals.js';
import { Script } from './script.js';
import commandsLua from './scripts/commands.lua.js';

const COMMANDS = new Script(commandsLua);

/** What the scripts call, and cannot do without. `test/broker/command-check.spec.ts` compares it with them. */
export const NEEDED: readonly string[] = [
  ...['DEL', 'GET', 'HDEL', 'HGET', 'HMGET', 'HSET', 'PEXPIRE', 'PUBLISH', 'SET', 'TIME'],
  ...['XADD', 'XDEL', 'XRANGE', 'XREVRANGE', 'XTRIM'],
  ...['ZADD', 'ZCARD', 'ZLEXCOUNT', 'ZRANGEBYLEX', 'ZRANGEBYSCORE', 'ZREM'],
  ...['ZREMRANGEBYSCORE', 'ZSCORE'],
];

/** How servers say that they do not have a command; Garnet without `--lua` has its scripting support disabled. */
const UNKNOWN =
  /\bunknown\b.*\b(sub)?command\b|\bcommand\b.*\bnot available\b|\bscripting support disabled\b/i;

/** Around the failure of a script itself. The first script of the hub touches no key, and fails on no Redis. */
const SCRIPT_FAILED = /\bError running script\b/i;

/** What a node of a cluster says of keys that another node has. */
const MOVED = /: MOVED \d+ (\S+)/;

/**
 * Refuses a server that lacks a command. Without it the hub would start, and fail where it first needs the command.
 *
 * @param key of the hub
 * @param isCluster whether the hub knows that it is one
 * @throws UnsupportedRedisError
 */
export async function checkCommands(commands: Commands, key: string, isCluster: boolean): Promise<void> {
  const args = NEEDED.map((name) => (isCluster && name === 'PUBLISH' ? 'SPUBLISH' : name));
  const missing = await findMissing(commands, key, args);
  if (missing.length > 0) throw unsupported(commands.address, missing.join(', '));
}

/** A replica, which becomes the master in a moment. */
const OF_REPLICA = /\b(replica|slave) instances\b/;

/**
 * Refuses a server that cannot say how many replicas have an event. Without it each publish would reject, though its event is stored.
 *
 * @throws UnsupportedRedisError, or RedisRefusedError where the user lacks the right
 */
export async function checkWait(redis: Redis, address: string): Promise<void> {
  try {
    await redis.wait(0, 1);
  } catch (cause) {
    const { message } = cause as Error;
    // A server that cannot be reached fails the next check.
    if (!isReplyError(cause) || OF_REPLICA.test(message)) return;
    const refusal = toRefusal(cause as Error, address, '+wait', ' to say how many replicas have an event');
    if (refusal.code === 'REDIS_FORBIDDEN' || isPassing(refusal)) throw refusal;
    throw new UnsupportedRedisError(
      `Redis at ${address} cannot say how many replicas have an event (WAIT: ${getReason(message)}), for which the option replicas asks. Leave it out, or choose a server of docs/servers.md.`,
      { cause },
    );
  }
}

async function findMissing(commands: Commands, key: string, args: readonly string[]): Promise<string[]> {
  try {
    return (await commands.read(COMMANDS, { keys: [key], args })) as string[];
  } catch (error) {
    throw isScriptFailure(error) ? cannotRunScripts(commands.address, error) : error;
  }
}

function isScriptFailure(error: unknown): error is RedisRefusedError {
  return (
    error instanceof RedisRefusedError &&
    error.code === 'REDIS_REFUSED' &&
    error.cause instanceof Error &&
    SCRIPT_FAILED.test(error.cause.message)
  );
}

/**
 * The same error for a refusal that says so.
 *
 * @param isCluster whether the hub follows the slot
 */
export function toUnsupported(error: unknown, address: string, isCluster: boolean): unknown {
  if (!(error instanceof RedisRefusedError)) return error;
  const owner = isCluster ? undefined : MOVED.exec(error.message)?.[1];
  if (owner) {
    return new UnsupportedRedisError(
      `Redis at ${address} is a node of a Redis Cluster, and the keys of this prefix belong to its node ${owner}. Name the cluster, so that the hub follows them: redis: { cluster: [${owner}] }, or redis+cluster://${owner}.`,
      { cause: error },
    );
  }
  if (!UNKNOWN.test(error.message)) return error;
  const command = /['`‘](\w+)/.exec(error.message)?.[1]?.toUpperCase();
  return unsupported(address, command ?? 'Lua scripts', error);
}

function unsupported(address: string, missing: string, cause?: Error): UnsupportedRedisError {
  return new UnsupportedRedisError(
    `Redis at ${address} lacks what the hub needs: ${missing}. Its host may have left commands out, renamed them (rename-command), or turned scripts off. Give them back, or choose a server or plan of docs/servers.md.`,
    cause && { cause },
  );
}

/** The words of such servers hold whole scripts and stacks: they are in the cause alone. */
function cannotRunScripts(address: string, cause: Error): UnsupportedRedisError {
  return new UnsupportedRedisError(
    `Redis at ${address} cannot run the scripts of the hub. It imitates Redis in part, as servers for tests do. Choose a server of docs/servers.md, or redis: 'embedded' for tests.`,
    { cause },
  );
}
