import type { Fork } from '../../src/broker/broker.interface.js';
import { parseForks } from '../../src/broker/redis/line.js';

/** Where the data of a hub began new lines, as its clock has it. */
export async function readForks(
  ask: (command: string, ...args: string[]) => Promise<unknown>,
  hub: string,
): Promise<Fork[]> {
  const [forks, replid] = (await ask('HMGET', `${hub}:clock`, 'forks', 'replid')) as (string | null)[];
  return parseForks(forks ?? '', Number(/\.(\d+)/.exec(replid ?? '')?.[1] ?? 0))!;
}
