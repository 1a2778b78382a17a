import type { ChannelDefinitionFields } from '../channels/channel-definition.js';
import type { AuthorizeFunction, ChannelRules } from '../channels/channel-rules.interface.js';
import {
  areDefinitions,
  isAuthorize,
  isBoolean,
  isFunction,
  isIdentify,
  isIntegerBetween,
  isLimit,
  isOneOf,
  isPrefix,
  isRedis,
  type OptionCheck,
} from './option-checks.js';
import type { RedisCredentialsFunction } from './redis-credentials.interface.js';
import type { SerializeFunction } from './serialize-function.interface.js';
import { createDefaultIdentify } from './default-identify.js';
import type { SseRedisOptions } from './sse-redis-options.interface.js';
import type { UserId } from './user-id.js';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** The longest delay that a timer takes: Node fires a longer one at once. */
export const MAX_TIMER = 2 ** 31 - 1;
const MIB = 1_048_576;
/** Sanity: Redis would wait for as many as there can never be. */
export const MAX_REPLICAS = 100;

/** Two connections each; an id of 64 entries has 1,300 characters. */
const MAX_SHARDS = 64;

/** The values that were resolved before, in the order of the table. */
type Resolved = Readonly<Record<string, unknown>>;

/** An option: its place in `SseRedisOptions`, its name in `ResolvedOptions`, its default and its check. */
interface Option<Key extends string, Value> {
  readonly path: string;
  readonly key: Key;
  readonly fallback: (resolved: Resolved) => Value;
  readonly check: OptionCheck;
}

function option<Value>() {
  return <Key extends string>(
    path: string,
    key: Key,
    fallback: Value | ((resolved: Resolved) => Value),
    check: OptionCheck,
  ): Option<Key, Value> => ({
    path,
    key,
    fallback: typeof fallback === 'function' ? (fallback as (resolved: Resolved) => Value) : () => fallback,
    check,
  });
}

const boolean = option<boolean>();
const number = option<number>();

function integer<Key extends string>(
  path: string,
  key: Key,
  fallback: number | ((resolved: Resolved) => number),
  min: number,
  max: number,
): Option<Key, number> {
  return number(path, key, fallback, isIntegerBetween(min, max));
}

/** An interface of its own: the declarations of the package name `Redis` then as it is written, for every version of ioredis. */
interface RedisOption extends Option<'redis', SseRedisOptions['redis']> {}

const REDIS: RedisOption = option<SseRedisOptions['redis']>()('redis', 'redis', undefined, isRedis);

/** All options, each once. `SseRedisOptions` documents them; everything else derives from this table. */
export const OPTIONS = [
  REDIS,
  option<RedisCredentialsFunction | undefined>()(
    'redisCredentials',
    'redisCredentials',
    undefined,
    isFunction('() => { username?, password }'),
  ),
  option<string>()('prefix', 'prefix', 'sse', isPrefix),
  integer('shards', 'shards', 1, 1, MAX_SHARDS),
  integer('history.maxLength', 'maxLength', 1_000, 1, 1_000_000),
  integer('history.ttl', 'ttl', 60 * MINUTE, 1_000, 365 * DAY),
  option<readonly ChannelDefinitionFields[]>()('channels', 'channels', [], areDefinitions),
  integer('heartbeatInterval', 'heartbeatInterval', 20_000, 100, MAX_TIMER),
  integer('retry', 'retry', 2_000, 1, DAY),
  number('limits.connections', 'connections', Infinity, isLimit),
  number('limits.connectionsPerUser', 'connectionsPerUser', Infinity, isLimit),
  number('limits.connectionsPerAddress', 'connectionsPerAddress', Infinity, isLimit),
  option<'refuse' | 'replace-oldest'>()(
    'limits.onLimit',
    'onLimit',
    'refuse',
    isOneOf('refuse', 'replace-oldest'),
  ),
  integer('limits.channelsPerConnection', 'channelsPerConnection', 1_000, 1, 100_000),
  integer('limits.metadataBytes', 'metadataBytes', 4_096, 0, 65_536),
  integer('limits.payloadBytes', 'payloadBytes', MIB, 1, 256 * MIB),
  integer('limits.bufferedBytes', 'bufferedBytes', 65_536, 1, 1_024 * MIB),
  integer('stallTimeout', 'stallTimeout', MINUTE, 10, MAX_TIMER),
  integer('maxConnectionAge', 'maxConnectionAge', 60 * MINUTE, 0, MAX_TIMER),
  integer('drain.timeout', 'drainTimeout', 5_000, 0, MAX_TIMER),
  integer('drain.runs', 'drainRuns', 0, 0, MAX_TIMER),
  integer('drain.retry', 'drainRetry', ({ retry }) => retry as number, 1, DAY),
  integer('registry.leaseTtl', 'leaseTtl', 15_000, 100, MAX_TIMER),
  integer('registry.sweepInterval', 'sweepInterval', 5_000, 20, MAX_TIMER),
  integer('publishTimeout', 'publishTimeout', 5_000, 1, MAX_TIMER),
  integer('replicas', 'replicas', 0, 0, MAX_REPLICAS),
  integer('connectTimeout', 'connectTimeout', 5_000, 1, MAX_TIMER),
  integer('probeInterval', 'probeInterval', 5_000, 10, MAX_TIMER),
  option<'normal' | 'cheap'>()('idle', 'idle', 'normal', isOneOf('normal', 'cheap')),
  integer('auditInterval', 'auditInterval', getAuditInterval, 30, MAX_TIMER),
  integer('idempotencyWindow', 'idempotencyWindow', 10 * MINUTE, 1, 365 * DAY),
  option<(request: unknown) => UserId | Promise<UserId>>()(
    'identify',
    'identify',
    () => createDefaultIdentify(),
    isIdentify,
  ),
  option<AuthorizeFunction | ChannelRules | undefined>()('authorize', 'authorize', undefined, isAuthorize),
  integer('authorization.interval', 'authorizationInterval', MINUTE, 100, MAX_TIMER),
  option<'channel' | 'connection'>()(
    'authorization.onRefusal',
    'onRefusal',
    'channel',
    isOneOf('channel', 'connection'),
  ),
  option<SerializeFunction | undefined>()(
    'serialize',
    'serialize',
    undefined,
    isFunction('(data, { channel }) => data'),
  ),
  boolean('directWrites', 'directWrites', true, isBoolean),
] as const;

type AnyOption = (typeof OPTIONS)[number];

/** The options with their defaults, checked. Times are in ms, sizes in bytes; Infinity: no limit. */
export type ResolvedOptions = {
  readonly [O in AnyOption as O['key']]: ReturnType<O['fallback']>;
};

function getAuditInterval({ ttl }: Resolved): number {
  return Math.min(30_000, Math.floor((ttl as number) / 2));
}
