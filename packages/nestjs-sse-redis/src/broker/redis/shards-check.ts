import { InvalidOptionsError } from '../../errors/invalid-options.error.js';
import type { Commands } from './commands.js';
import { Script } from './script.js';
import shardsLua from './scripts/shards.lua.js';

const SHARDS = new Script(shardsLua);

/**
 * Refuses to start where the hub has another number of shards: its channels are on others then.
 *
 * @param clock the key of the clock of the shard that has the registry
 * @throws InvalidOptionsError | RedisUnavailableError | RedisRefusedError
 */
export async function checkShards(commands: Commands, clock: string, shards: number): Promise<void> {
  const known = Number(await commands.read(SHARDS, { keys: [clock], args: [shards] }));
  if (known === shards) return;
  throw new InvalidOptionsError(
    `SseRedisModule cannot start with shards ${shards}: the hub with this prefix has ${known} in Redis at ${commands.address}. All processes of a hub need the same number; another number needs another prefix.`,
  );
}
