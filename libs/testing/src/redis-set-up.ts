import { hasShardedPubSub } from './redis-binary.js';
import { RedisServer } from './redis-server.js';
import { TestCluster } from './test-cluster.js';
import { TestSentinel } from './test-sentinel.js';

/** What a hub of several processes runs on. */
export type RedisSetUpName = 'redis' | 'sentinel' | 'cluster' | 'cluster-3';

/** Of `cluster-3`, whose hubs have a part on each master. */
const SHARDS = 3;
/** ms. A node of a cluster has a second to answer the question for its slots, which a busy machine may miss a few times. */
const CONNECTED_WITHIN = 60_000;

interface SetUpOptions {
  readonly redis: string | TestSentinel['connection'] | TestCluster['connection'];
  readonly shards?: number;
  readonly connectTimeout?: number;
}

/** Those that the server under test can be. */
export const redisSetUps: readonly RedisSetUpName[] = hasShardedPubSub()
  ? ['redis', 'sentinel', 'cluster', 'cluster-3']
  : ['redis', 'sentinel'];

/**
 * One Redis, one behind Sentinel, or a cluster of a suite's own, by name: the same tests run on each.
 *
 * @example
 * ```ts
 * const setUp = await RedisSetUp.start('cluster-3');
 * startApp(newsModule(setUp.options));
 * await setUp.stop();
 * ```
 */
export class RedisSetUp {
  static async start(name: RedisSetUpName): Promise<RedisSetUp> {
    if (name === 'redis') {
      const server = await RedisServer.start();
      return new RedisSetUp({ redis: server.url }, server, () => server.stop());
    }
    if (name === 'sentinel') {
      // Nobody fails over, however busy the machine is.
      const sentinel = await TestSentinel.start({ downAfter: 60_000 });
      return new RedisSetUp({ redis: sentinel.connection }, undefined, () => sentinel.stop());
    }
    // Without replicas nobody is elected either.
    const cluster = await TestCluster.start({ replicas: 0, nodeTimeout: 15_000 });
    const options = {
      redis: cluster.connection,
      connectTimeout: CONNECTED_WITHIN,
      ...(name === 'cluster-3' && { shards: SHARDS }),
    };
    return new RedisSetUp(options, undefined, () => cluster.stop());
  }

  private constructor(
    /** For the module. */
    readonly options: SetUpOptions,
    /** Where it is but one. */
    readonly server: RedisServer | undefined,
    readonly stop: () => Promise<void>,
  ) {}
}
