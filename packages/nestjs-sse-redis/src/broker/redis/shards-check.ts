import type { Logger } from '../../util/logger.js';
import { InvalidOptionsError } from '../../errors/invalid-options.error.js';
import type { Commands } from './commands.js';
import { Script } from './script.js';
import shardsLua from './scripts/shards.lua.js';

const SHARDS = new Script(shardsLua);

/**
 * Refuses a process where the hub has another number of shards: its channels are on others then. A hub without a number, new or
 * without its data, takes that of the process.
 *
 * @param clock the key of the clock of the shard that has the registry
 * @throws InvalidOptionsError | RedisUnavailableError | RedisRefusedError
 */
export async function checkShards(commands: Commands, clock: string, shards: number): Promise<void> {
  const known = Number(await commands.read(SHARDS, { keys: [clock], args: [shards] }));
  if (known === shards) return;
  throw new InvalidOptionsError(
    `This process is set to shards ${shards}, and the hub with this prefix has ${known} in Redis at ${commands.address}. All processes of a hub need the same number; another number needs another prefix.`,
  );
}

/** Notes the number anew: Redis may have lost it with its data, and another process begin with another one. */
export function noteShards(commands: Commands, clock: string, shards: number, logger: Logger): void {
  checkShards(commands, clock, shards).catch((error: unknown) => {
    if (error instanceof InvalidOptionsError) logger.error(error.message);
  });
}
