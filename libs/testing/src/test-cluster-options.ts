import type { RedisServer } from './redis-server.js';
import type { SlotMigrationOptions } from './slot-migration.js';

export interface TestClusterOptions {
  /** Default: 3. */
  masters?: number;
  /** Replicas of each master; 0 is allowed. Default: 1. */
  replicas?: number;
  /** After how many ms without an answer a node is taken for gone: Redis' `cluster-node-timeout`. Default: 2000. */
  nodeTimeout?: number;
  /** More arguments for the servers. */
  args?: string[];
}

export interface MigrateOptions extends SlotMigrationOptions {
  /** Default: another master. */
  to?: RedisServer;
}

export interface ReshardOptions {
  from: RedisServer;
  to: RedisServer;
  /** How many slots, the lowest of `from`. */
  slots: number;
  /** The redis-cli that does it; false: slot by slot, without it. Default: the one beside the server, if there is one. */
  cli?: string | false | undefined;
}
