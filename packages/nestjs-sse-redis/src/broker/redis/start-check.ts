import { Logger } from '../../util/logger.js';
import type { Redis } from 'ioredis';
import type { ResolvedOptions } from '../../options/resolved-options.js';
import type { ShardPlace } from '../shard-place.interface.js';
import { checkCommands, checkWait } from './command-check.js';
import type { Commands } from './commands.js';
import type { Keys } from './keys.js';
import type { RedisSettings } from './redis-settings.js';
import { checkServer } from './server-check.js';
import { checkShards } from './shards-check.js';
import { untilAccepted } from './until-accepted.js';

interface Start {
  readonly redis: Redis;
  readonly settings: RedisSettings;
  readonly commands: Commands;
  readonly keys: Keys;
  readonly options: Pick<ResolvedOptions, 'shards' | 'replicas'>;
  /** Undefined for the shard that has the registry. */
  readonly place: ShardPlace | undefined;
  /** A hub says what there is to say of the server, once, and not for each shard. */
  readonly isQuiet: boolean;
  /** Whether there is time left for a refusal to pass. */
  readonly mayWait: () => boolean;
}

/**
 * Refuses a server that the hub cannot use, and a number of shards that is not the hub's.
 *
 * @returns the server with its version
 * @throws UnsupportedRedisError | InvalidOptionsError | RedisUnavailableError | RedisRefusedError
 */
export async function checkStart({
  redis,
  settings,
  commands,
  keys,
  options,
  place,
  isQuiet,
  mayWait,
}: Start): Promise<string> {
  const { address, cluster } = settings;
  const isCluster = cluster !== undefined;
  const logger = new Logger('SseRedisBroker');
  const warn = (text: string): void => (isQuiet ? undefined : logger.warn(text));
  const server = await checkServer({ redis, address, replicas: options.replicas, isCluster }, warn);
  await untilAccepted(() => checkCommands(commands, keys.clock, isCluster), mayWait);
  if (options.replicas > 0) await untilAccepted(() => checkWait(redis, address), mayWait);
  // Before the clock is made.
  if (place === undefined)
    await untilAccepted(() => checkShards(commands, keys.clock, options.shards), mayWait);
  return server;
}
