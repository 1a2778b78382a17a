import toSlot from 'cluster-key-slot';
import { channelName } from './channels.js';

/** The hub of several shards, with a prefix of its own: the number stays with it. */
export const SHARDED = { shards: 3, prefix: 'sse-shards' } as const;

/** As the hub parts the slots of a Redis Cluster (docs/decisions/023). */
function shardOf(channel: string): number {
  return Math.floor((toSlot(channel) * SHARDED.shards) / 16_384);
}

/** A name for a session whose first channels are of one shard each. */
export function spreadName(session: string): string {
  for (let i = 0; ; i++) {
    const name = `${session}.${i}`;
    const shards = Array.from({ length: SHARDED.shards }, (_, index) => shardOf(channelName(name, index)));
    if (new Set(shards).size === SHARDED.shards) return name;
  }
}
