import { setTimeout as wait } from 'node:timers/promises';
import type { RedisServer } from './redis-server.js';

/** `key` comes once for each key of the slot. */
export type MigrationStep = 'importing' | 'migrating' | 'key' | 'target' | 'source' | 'others';

export interface SlotMigrationOptions {
  /** Milliseconds after each step. Default: 0. */
  pause?: number;
  /** Awaited after each step, and before the pause. */
  onStep?: (step: MigrationStep, key?: string) => unknown;
}

/** What a migration asks of its cluster. */
interface MigratingCluster {
  masters(): Promise<RedisServer[]>;
  agreed(slots: readonly number[], owner: RedisServer): Promise<void>;
}

/**
 * A slot on its way from one master to another, step by step as CLUSTER SETSLOT has them.
 *
 * @see https://redis.io/docs/latest/commands/cluster-setslot/
 */
export class SlotMigration {
  constructor(
    private readonly cluster: MigratingCluster,
    readonly slot: number,
    readonly source: RedisServer,
    readonly target: RedisServer,
    private readonly options: SlotMigrationOptions = {},
  ) {}

  /** From here on the source answers `ASK` for keys that it has not, and `TRYAGAIN` where it has some of several. */
  async begin(): Promise<void> {
    await this.#setSlot(this.target, 'IMPORTING', this.source);
    await this.#done('importing');
    await this.#setSlot(this.source, 'MIGRATING', this.target);
    await this.#done('migrating');
  }

  /** Moves one key; rejects where the target has one of this name. */
  async moveKey(key: string): Promise<void> {
    await this.source.cli('MIGRATE', '127.0.0.1', this.target.port, key, 0, 60_000);
    await this.#done('key', key);
  }

  /** Moves keys until the source has none in the slot. */
  async moveKeys(): Promise<void> {
    for (;;) {
      const keys = (await this.source.cli('CLUSTER', 'GETKEYSINSLOT', this.slot, 100)) as string[];
      if (keys.length === 0) return;
      for (const key of keys) await this.moveKey(key);
    }
  }

  /** All the rest. Resolves with the new owner when all nodes that are alive name it. */
  async finish(): Promise<RedisServer> {
    await this.moveKeys();
    await this.#setSlot(this.target, 'NODE', this.target);
    await this.#done('target');
    await this.#setSlot(this.source, 'NODE', this.target);
    await this.#done('source');
    const masters = await this.cluster.masters();
    const others = masters.filter((master) => master !== this.source && master !== this.target);
    await Promise.all(others.map((other) => this.#setSlot(other, 'NODE', this.target)));
    await this.#done('others');
    await this.cluster.agreed([this.slot], this.target);
    return this.target;
  }

  async #setSlot(
    at: RedisServer,
    state: 'IMPORTING' | 'MIGRATING' | 'NODE',
    node: RedisServer,
  ): Promise<void> {
    const id = (await node.cli('CLUSTER', 'MYID')) as string;
    await at.cli('CLUSTER', 'SETSLOT', this.slot, state, id);
  }

  async #done(step: MigrationStep, key?: string): Promise<void> {
    const { onStep, pause = 0 } = this.options;
    await (key === undefined ? onStep?.(step) : onStep?.(step, key));
    if (pause > 0) await wait(pause);
  }
}
