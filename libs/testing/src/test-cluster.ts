import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type ClusterNode, type ClusterView, findSlotOwner, isAlive, isReady, look } from './cluster-view.js';
import { freeClusterPorts } from './free-port.js';
import { toNodesConfs } from './nodes-conf.js';
import { findRedisCli, getServerVersion } from './redis-binary.js';
import { RedisServer } from './redis-server.js';
import { inSync, isInSync, isLoaded } from './replication.js';
import { SlotMigration } from './slot-migration.js';
import type { MigrateOptions, ReshardOptions, TestClusterOptions } from './test-cluster-options.js';
import { until } from './until.js';
import { Votes } from './votes.js';

/** Redis forgets a CLUSTER FAILOVER after five seconds and does not say so (CLUSTER_MF_TIMEOUT in its cluster.c). */
const FAILOVER_FORGOTTEN = 6_000;

/**
 * A Redis Cluster of the test's own, on the loopback interface. It takes two seconds to be ready, since Redis waits that
 * long: one cluster serves a file of tests, each with a hash tag of its own.
 *
 * @example
 * ```ts
 * const cluster = await TestCluster.start();
 * const owner = await cluster.findVictim('{news}');
 * await owner.kill();
 * await cluster.elected('{news}', owner);
 * await cluster.stop();
 * ```
 */
export class TestCluster {
  /** All is ready: each node says that the cluster is, and replicas are in sync. */
  static async start({
    masters = 3,
    replicas = 1,
    nodeTimeout = 2_000,
    args = [],
  }: TestClusterOptions = {}): Promise<TestCluster> {
    const clusterArgs = ['--cluster-enabled', 'yes', '--cluster-node-timeout', String(nodeTimeout)];
    // Replicas stay with their master: Redis would give a master that has none for a moment one of another master's.
    const replicaArgs = ['--repl-diskless-sync-delay', '0', '--cluster-migration-barrier', '100'];
    const allArgs = [...clusterArgs, ...replicaArgs, ...args];
    const cluster = await TestCluster.#launch(masters, replicas, nodeTimeout, allArgs);
    try {
      await Promise.all(cluster.nodes.map((node) => isReady(node)));
      await Promise.all(cluster.nodes.slice(masters).map((replica) => inSync(replica)));
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  static async #launch(
    masters: number,
    replicas: number,
    nodeTimeout: number,
    args: string[],
  ): Promise<TestCluster> {
    // All ports are in all files, so a port that another process took meanwhile takes new files.
    for (let attempt = 1; ; attempt++) {
      const ports = await freeClusterPorts(masters * (1 + replicas));
      const { ids, confs } = toNodesConfs(ports, masters, getServerVersion() >= 7.2);
      const starts = await Promise.allSettled(
        ports.map((port, i) => RedisServer.start({ port, args, files: { 'nodes.conf': confs[i]! } })),
      );
      const nodes = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
      const failure = starts.find((start) => start.status === 'rejected');
      if (!failure) return new TestCluster(nodes, ids, new Votes(nodeTimeout));
      await Promise.all(nodes.map((node) => node.stop('SIGKILL')));
      if (!/already in use/i.test(String(failure.reason)) || attempt === 5) throw failure.reason;
    }
  }

  readonly #slots = new Map<string, number>();

  private constructor(
    /** The masters of the start, then their replicas: the first replica of each, then the second of each. */
    readonly nodes: readonly RedisServer[],
    private readonly ids: readonly string[],
    private readonly votes: Votes,
  ) {}

  /** For the `redis` option. */
  get connection(): { cluster: { host: string; port: number }[] } {
    return { cluster: this.nodes.map(({ port }) => ({ host: '127.0.0.1', port })) };
  }

  get url(): string {
    return `redis+cluster://${this.nodes.map(({ port }) => `127.0.0.1:${port}`).join()}`;
  }

  /** Masters by their own account, of the nodes that are alive. */
  async masters(): Promise<RedisServer[]> {
    return this.#thatAre(({ isMaster }) => isMaster);
  }

  /** Replicas by their own account, of the nodes that are alive; the server itself need not be. */
  async replicasOf(server: RedisServer): Promise<RedisServer[]> {
    const id = this.#idOf(server);
    return this.#thatAre(({ masterId }) => masterId === id);
  }

  async slotOf(key: string): Promise<number> {
    const known = this.#slots.get(key);
    if (known !== undefined) return known;
    const nodes = this.nodes.filter(isAlive);
    if (nodes.length === 0) throw new Error('no node of the cluster is alive');
    // A replica that is synchronized anew loads its data meanwhile, and answers nothing else.
    const ask = () => Promise.any(nodes.map((node) => node.cli('CLUSTER', 'KEYSLOT', key)));
    const { slot } = await until(async () => ({ slot: (await ask()) as number }));
    this.#slots.set(key, slot);
    return slot;
  }

  /** A hash tag, braces included, whose slot the master has. */
  async tagOn(master: RedisServer, prefix = 'tag'): Promise<string> {
    const slots = new Set(await this.slotsOf(master));
    if (slots.size === 0) throw new Error(`the node on port ${master.port} has no slots`);
    for (let i = 0; ; i++) {
      const tag = `{${prefix}-${i}}`;
      if (slots.has(await this.slotOf(tag))) return tag;
    }
  }

  /** The slots of a master, the lowest first. */
  async slotsOf(server: RedisServer): Promise<number[]> {
    const own = (await look(server))?.nodes.find(({ isMyself }) => isMyself);
    const ranges = own?.slots ?? [];
    return ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
  }

  /** The master that most nodes name, of those that are alive. It need not be alive itself. */
  async owner(key: string): Promise<RedisServer> {
    const slot = await this.slotOf(key);
    return until(
      async () => {
        const named = (await this.#look()).map((view) => this.#ownerIn(view, slot));
        return named.find((one) => named.filter((other) => other === one).length > named.length / 2);
      },
      { message: `most nodes name the same owner of slot ${slot}`, interval: 20 },
    );
  }

  /** The owner for a test that is about to let it fail: another election is over by then, so that this leads to one. */
  async findVictim(key: string): Promise<RedisServer> {
    const owner = await this.owner(key);
    await this.votes.lapsed(await this.replicasOf(owner));
    return owner;
  }

  /** Resolves with the new owner when the first other node names one. */
  async elected(key: string, old: RedisServer): Promise<RedisServer> {
    const slot = await this.slotOf(key);
    const elected = await until(
      async () => {
        const views = await this.#look((node) => node !== old);
        return views.map((view) => this.#ownerIn(view, slot)).find((owner) => owner && owner !== old);
      },
      { message: `a node names a new owner of slot ${slot}`, timeout: 60_000, interval: 20 },
    );
    this.votes.won(elected);
    return elected;
  }

  /** Resolves when all nodes that are alive name the owner. */
  async agreed(slots: readonly number[], owner: RedisServer): Promise<void> {
    await until(() => this.#areAgreed(slots, owner), {
      message: `all nodes name the one on port ${owner.port} as the owner of slot ${slots.join()}`,
      timeout: 60_000,
      interval: 20,
    });
  }

  /** Moves the key's slot to another master. Resolves with the new owner when all nodes that are alive name it. */
  async migrate(key: string, options?: MigrateOptions): Promise<RedisServer> {
    return (await this.startMigration(key, options)).finish();
  }

  /** Begins to move the key's slot, up to MIGRATING: the test calls `finish()`, or moves single keys first. */
  async startMigration(key: string, { to, ...options }: MigrateOptions = {}): Promise<SlotMigration> {
    const source = await this.owner(key);
    const target = to ?? (await this.masters()).find((master) => master !== source);
    if (!target) throw new Error('a slot moves to another master, and none is alive');
    const migration = new SlotMigration(this, await this.slotOf(key), source, target, options);
    await migration.begin();
    return migration;
  }

  /**
   * Makes a replica the owner of the key's slot: as planned, without the master's consent (`FORCE`), or without that of
   * the other masters either (`TAKEOVER`). Resolves with the new owner when all nodes that are alive name it. Redis
   * holds back an election that soon follows another of the same shard, by four node timeouts; `TAKEOVER` needs none.
   */
  async failover(key: string, mode?: 'FORCE' | 'TAKEOVER'): Promise<RedisServer> {
    const slot = await this.slotOf(key);
    const replica = await this.#findSuccessor(await this.owner(key), mode);
    const ask = async (): Promise<number> => {
      await replica.cli('CLUSTER', 'FAILOVER', ...(mode ? [mode] : []));
      return performance.now();
    };
    let askedAt = await ask();
    await until(
      async () => {
        if (await this.#areAgreed([slot], replica)) return true;
        if (performance.now() - askedAt < FAILOVER_FORGOTTEN) return false;
        if (!(await this.masters()).includes(replica)) askedAt = await ask();
        return false;
      },
      {
        message: `the replica on port ${replica.port} takes over slot ${slot}`,
        timeout: 60_000,
        interval: 20,
      },
    );
    this.votes.won(replica);
    return replica;
  }

  /** Moves many slots. Resolves when all nodes that are alive name the new owner. With redis-cli all have to be alive. */
  async reshard({ from, to, slots: count, cli = findRedisCli() }: ReshardOptions): Promise<void> {
    const slots = (await this.slotsOf(from)).slice(0, count);
    if (cli) {
      const ends = ['--cluster-from', this.#idOf(from), '--cluster-to', this.#idOf(to)];
      const rest = ['--cluster-slots', String(slots.length), '--cluster-yes'];
      await promisify(execFile)(cli, ['--cluster', 'reshard', `127.0.0.1:${from.port}`, ...ends, ...rest]);
      return this.agreed(slots, to);
    }
    for (const slot of slots) {
      const migration = new SlotMigration(this, slot, from, to);
      await migration.begin();
      await migration.finish();
    }
  }

  /** Ends all nodes, also paused ones. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop('SIGKILL')));
  }

  /**
   * A replica that can follow its master. Just after a failover other nodes may still take it for a master: they would
   * refuse their votes, and its master the hand-over.
   */
  async #findSuccessor(master: RedisServer, mode: string | undefined): Promise<RedisServer> {
    const masterId = this.#idOf(master);
    const isKnown = async (replica: RedisServer): Promise<boolean> =>
      this.#doAll(({ nodes }) =>
        nodes.some((node) => node.id === this.#idOf(replica) && node.masterId === masterId),
      );
    return until(
      async () => {
        for (const replica of await this.replicasOf(master)) {
          if ((await isKnown(replica)) && (await (mode ? isLoaded(replica) : isInSync(replica))))
            return replica;
        }
        return undefined;
      },
      { message: `the master on port ${master.port} has a replica to fail over to`, interval: 20 },
    );
  }

  #areAgreed(slots: readonly number[], owner: RedisServer): Promise<boolean> {
    return this.#doAll((view) => slots.every((slot) => this.#ownerIn(view, slot) === owner));
  }

  /** Whether it holds for the views of all nodes that are alive. */
  async #doAll(holds: (view: ClusterView) => boolean): Promise<boolean> {
    const views = await this.#look();
    return views.length > 0 && views.length === this.nodes.filter(isAlive).length && views.every(holds);
  }

  async #thatAre(isWanted: (node: ClusterNode) => boolean): Promise<RedisServer[]> {
    const views = await this.#look();
    return views
      .filter(({ nodes }) => nodes.some((node) => node.isMyself && isWanted(node)))
      .map(({ server }) => server);
  }

  /** What the nodes that are alive see. One that was killed or paused meanwhile is left out. */
  async #look(isAsked: (node: RedisServer) => boolean = () => true): Promise<ClusterView[]> {
    const views = this.nodes.filter((node) => isAlive(node) && isAsked(node)).map((server) => look(server));
    return (await Promise.all(views)).filter((view) => view !== undefined);
  }

  #ownerIn({ nodes }: ClusterView, slot: number): RedisServer | undefined {
    const id = findSlotOwner(nodes, slot);
    return id === undefined ? undefined : this.nodes[this.ids.indexOf(id)];
  }

  #idOf(server: RedisServer): string {
    return this.ids[this.nodes.indexOf(server)]!;
  }
}
