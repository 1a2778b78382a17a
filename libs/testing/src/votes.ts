import type { RedisServer } from './redis-server.js';
import { until } from './until.js';

/**
 * When the replicas of a cluster were elected.
 *
 * A replica keeps the votes of an election for twice the node timeout. One that won, and was replaced meanwhile, takes its
 * master's failure for the end of that election: it becomes master with the old epoch, and no other node follows it
 * (clusterHandleSlaveFailover in the cluster.c of Redis 7.0). The slots are down until the failed master comes back.
 */
export class Votes {
  readonly #wonAt = new Map<RedisServer, number>();
  readonly #lapse: number;

  /** @param nodeTimeout `cluster-node-timeout`, ms */
  constructor(nodeTimeout: number) {
    this.#lapse = 2 * Math.max(2 * nodeTimeout, 2_000);
  }

  won(replica: RedisServer): void {
    this.#wonAt.set(replica, performance.now());
  }

  /** Resolves when none of some replicas has votes left. */
  async lapsed(replicas: readonly RedisServer[]): Promise<void> {
    const last = Math.max(...replicas.map((replica) => this.#wonAt.get(replica) ?? -Infinity));
    await until(() => performance.now() - last > this.#lapse, {
      message: 'the votes of the last election lapse',
      timeout: 2 * this.#lapse + 30_000,
    });
  }
}
