import type { ShardMap } from '../event/shard-map.js';

/** The place of a broker in a hub of several shards. */
export interface ShardPlace {
  readonly index: number;
  readonly map: ShardMap;
}
