import type { RedisPublisherSettings } from '../broker/redis/redis-publisher.js';
import { InvalidOptionsError } from '../errors/invalid-options.error.js';
import { EMBEDDED } from '../options/option-checks.js';
import { OPTIONS } from '../options/option-table.js';
import {
  checkIsObject,
  collectNames,
  findUnsetRedis,
  readOption,
  readOptions,
} from '../options/read-options.js';
import type { ResolvedOptions } from '../options/resolved-options.js';
import type { SseRedisOptions } from '../options/sse-redis-options.interface.js';

/**
 * The options of `createPublisher`: those of `SseRedisModule.forRoot` that concern publishing. What the hub is told of
 * `redis`, `prefix`, `shards` and `serialize` the publisher has to be told as well.
 */
export interface PublisherOptions extends Pick<
  SseRedisOptions,
  | 'redisCredentials'
  | 'prefix'
  | 'shards'
  | 'publishTimeout'
  | 'connectTimeout'
  | 'replicas'
  | 'idempotencyWindow'
  | 'serialize'
  | 'channels'
> {
  /**
   * Where Redis is, as for the hub. There is no embedded broker here: it would be of this process alone. `undefined` is an error: an
   * environment variable is missing.
   */
  readonly redis: SseRedisOptions['redis'];
  /**
   * Leave it out: the publisher then takes what the hub has noted in Redis, and changes nothing of it. Given, it has to be the same as
   * the hub's, since a shorter one forgets events of all channels. Default: that of the hub; `ttl` one hour where no hub has been yet.
   */
  readonly history?: SseRedisOptions['history'];
  /** Bounds of one event. */
  readonly limits?: {
    /** The largest data of one event, in bytes of UTF-8. Default 1 MiB. */
    readonly payloadBytes?: number;
  };
}

/** The options with their defaults, checked. Times are in ms, sizes in bytes. */
export interface ResolvedPublisherOptions
  extends RedisPublisherSettings, Pick<ResolvedOptions, 'payloadBytes' | 'serialize' | 'channels'> {
  readonly redis: NonNullable<ResolvedOptions['redis']>;
}

const PATHS: ReadonlySet<string> = new Set([
  'redis',
  'redisCredentials',
  'prefix',
  'shards',
  'history.maxLength',
  'history.ttl',
  'limits.payloadBytes',
  'publishTimeout',
  'replicas',
  'connectTimeout',
  'idempotencyWindow',
  'serialize',
  'channels',
]);
const TABLE = OPTIONS.filter(({ path }) => PATHS.has(path));
const NAMES = collectNames(TABLE.map(({ path }) => path));
const TAKER = 'createPublisher()';
const REDIS_ADVICE = 'A publisher needs the Redis of the hub, as a URL or as ioredis options';

/**
 * Checks the options and fills in the defaults.
 *
 * @throws InvalidOptionsError naming every option that is wrong, what it got and what it takes
 */
export function resolvePublisherOptions(options: PublisherOptions): ResolvedPublisherOptions {
  checkIsObject(options, TAKER);
  const { values, problems } = readOptions(options, TABLE, NAMES);
  problems.push(...findUnsetRedis(options, REDIS_ADVICE), ...findMissingRedis(options));
  if (problems.length > 0)
    throw new InvalidOptionsError(`${TAKER} cannot take these options: ${problems.join('; ')}.`);
  // Not the defaults of a hub: only what somebody has told may change the history of all.
  for (const [path, key] of [
    ['history.maxLength', 'maxLength'],
    ['history.ttl', 'ttl'],
  ] as const)
    if (readOption(options, path) === undefined) values[key] = '';
  return values as unknown as ResolvedPublisherOptions;
}

function findMissingRedis(options: object): string[] {
  if (!('redis' in options)) return [`redis is missing. ${REDIS_ADVICE}`];
  if (options.redis !== EMBEDDED) return [];
  return [
    `redis is '${EMBEDDED}', the broker of one process, whose streams nobody else reaches. ${REDIS_ADVICE}`,
  ];
}
