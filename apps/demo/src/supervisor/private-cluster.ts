import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ClusterNode, Failover } from '../messages.js';
import { PREFIX } from '../prefix.js';
import { layOut, MASTERS } from './cluster-layout.js';
import { hasSlot, type NodeLine, parseNodes } from './cluster-nodes.js';
import { freeClusterPorts } from './port.js';
import { HOST, RedisProcess } from './redis-process.js';

const ATTEMPTS = 5;
const READY_TIMEOUT = 20_000;
/** Redis drops a CLUSTER FAILOVER after five seconds and does not say so (CLUSTER_MF_TIMEOUT in its cluster.c). */
const FAILOVER_DROPPED = 6_000;
const FAILOVER_TIMEOUT = 30_000;
const NODE_TIMEOUT = 2_000;
/** So long after its last election a node begins no other: clusterHandleSlaveFailover in Redis' cluster.c. */
const BETWEEN_ELECTIONS = 4 * NODE_TIMEOUT + 200;
const POLL = 20;

const SETTINGS = {
  'cluster-enabled': 'yes',
  'cluster-node-timeout': NODE_TIMEOUT,
  'repl-diskless-sync-delay': 0,
  // A master that was replaced takes no events that are lost with it.
  'min-replicas-to-write': 1,
  // A replica stays with its master, also where another master has lost its own.
  'cluster-migration-barrier': 100,
};

/** What a node that runs says of the cluster. */
interface View {
  server: RedisProcess;
  myself: NodeLine;
  nodes: NodeLine[];
}

/** A Redis Cluster of the demo's own: three masters with a replica each, in folders that go with it. */
export class PrivateCluster {
  /** When each node was elected last. */
  private readonly electedAt = new Map<RedisProcess, number>();
  private failingOver: Promise<Failover> | undefined;

  private constructor(
    private readonly servers: readonly RedisProcess[],
    private readonly ids: readonly string[],
    private readonly folders: readonly string[],
    private readonly slot: number,
    private readonly version: string,
  ) {}

  /** Resolves when all nodes say that the cluster is ready, and replicas follow. */
  static async start(binary: string): Promise<PrivateCluster> {
    const cluster = await launch(binary);
    try {
      await cluster.ready();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** Of servers that answer; the cluster need not be ready. */
  static async of(
    servers: readonly RedisProcess[],
    ids: readonly string[],
    folders: readonly string[],
  ): Promise<PrivateCluster> {
    const answer = await servers[0]!.ask(`CLUSTER KEYSLOT {${PREFIX}}`);
    const slot = Number(/^:(\d+)/.exec(answer)?.[1]);
    return new PrivateCluster(servers, ids, folders, slot, await servers[0]!.version());
  }

  get url(): string {
    return `redis+cluster://${this.servers.map(({ port }) => `${HOST}:${port}`).join()}`;
  }

  /** For the terminal. */
  get description(): string {
    const ports = this.servers.map(({ port }) => port);
    return `private Redis Cluster ${this.version}: masters on ports ${ports.slice(0, MASTERS).join(', ')}, replicas on ${ports.slice(MASTERS).join(', ')}`;
  }

  /** Tells when a node ends without having been asked to. */
  onExit(listener: (port: number) => void): void {
    for (const server of this.servers) server.onExit(() => listener(server.port));
  }

  /** Each node as it sees itself now. */
  async look(): Promise<ClusterNode[]> {
    const views = await this.views();
    const owner = this.ownerIn(views)?.server;
    return this.servers.map((server, i) => {
      const view = views.find((view) => view.server === server);
      const role = view?.myself.isMaster ? 'master' : 'replica';
      return {
        port: server.port,
        shard: (i % MASTERS) + 1,
        role: view ? role : 'down',
        hasHub: server === owner,
      };
    });
  }

  /**
   * Makes a replica the master of the slot that has the hub's keys. Resolves when all nodes that run say so. One call at a
   * time: a second one gets the outcome of the first.
   */
  failOver(): Promise<Failover> {
    this.failingOver ??= this.replaceOwner().finally(() => (this.failingOver = undefined));
    return this.failingOver;
  }

  async stop(): Promise<void> {
    // There is nothing to save, and by SIGTERM masters wait for replicas.
    await Promise.all(this.servers.map((server) => server.stop('SIGKILL')));
    await Promise.all(this.folders.map((folder) => rm(folder, { recursive: true, force: true })));
  }

  private async ready(): Promise<void> {
    await poll(READY_TIMEOUT, 'The private Redis Cluster is not ready', async () => {
      const infos = await Promise.all(this.servers.map((server) => server.ask('CLUSTER INFO')));
      const replicas = this.servers.slice(MASTERS).map((server) => isFollowing(server));
      return (
        infos.every((info) => info.includes('cluster_state:ok')) &&
        (await Promise.all(replicas)).every(Boolean)
      );
    });
  }

  private async replaceOwner(): Promise<Failover> {
    const { owner, replica } = await this.findSuccessor();
    // Asked earlier, the master would hold back all clients for five seconds, in vain.
    const elected = this.electedAt.get(replica) ?? -Infinity;
    await pause(Math.max(0, elected + BETWEEN_ELECTIONS - performance.now()));
    const begin = performance.now();
    let askedAt = -Infinity;
    await poll(FAILOVER_TIMEOUT, `The node on port ${replica.port} has not taken over`, async () => {
      if (performance.now() - askedAt > FAILOVER_DROPPED) {
        await replica.ask('CLUSTER FAILOVER');
        askedAt = performance.now();
      }
      return this.isAgreed(await this.views(), replica);
    });
    this.electedAt.set(replica, performance.now());
    return { from: owner.port, to: replica.port, took: Math.round(performance.now() - begin) };
  }

  /**
   * A replica that follows its master, as all nodes know. Just after a failover other nodes may still take the replica for
   * a master, and would refuse their votes.
   */
  private async findSuccessor(): Promise<{ owner: RedisProcess; replica: RedisProcess }> {
    return poll(FAILOVER_TIMEOUT, 'No replica can take the slot over', async () => {
      const views = await this.views();
      const owner = this.ownerIn(views);
      const replica = views.find(({ myself }) => myself.masterId === owner?.myself.id);
      if (!owner || !replica || !(await isFollowing(replica.server))) return undefined;
      const isKnown = views.every(({ nodes }) =>
        nodes.some(({ id, masterId }) => id === replica.myself.id && masterId === owner.myself.id),
      );
      return isKnown ? { owner: owner.server, replica: replica.server } : undefined;
    });
  }

  private isAgreed(views: readonly View[], owner: RedisProcess): boolean {
    const id = this.ids[this.servers.indexOf(owner)];
    return (
      views.length > 0 &&
      views.every(({ nodes }) => nodes.find((node) => hasSlot(node, this.slot))?.id === id)
    );
  }

  private ownerIn(views: readonly View[]): View | undefined {
    return views
      .filter(({ myself }) => myself.isMaster && hasSlot(myself, this.slot))
      .sort((a, b) => b.myself.epoch - a.myself.epoch)[0];
  }

  private async views(): Promise<View[]> {
    const views = await Promise.all(
      this.servers.map(async (server) => {
        const nodes = server.isRunning ? parseNodes(await server.ask('CLUSTER NODES')) : [];
        const myself = nodes.find(({ isMyself }) => isMyself);
        return myself && { server, myself, nodes };
      }),
    );
    return views.filter((view) => view !== undefined);
  }
}

/** All ports are in all files, so a port that another program took meanwhile takes new files. */
async function launch(binary: string): Promise<PrivateCluster> {
  let reason: unknown;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const ports = await freeClusterPorts(HOST, 2 * MASTERS);
    const { ids, files } = layOut(ports);
    const folders = await Promise.all(files.map((file) => makeFolder(file)));
    const starts = await Promise.allSettled(
      ports.map((port, i) => RedisProcess.start(binary, port, { ...SETTINGS, dir: folders[i]! }, folders[i])),
    );
    const servers = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
    if (servers.length === ports.length) return PrivateCluster.of(servers, ids, folders);
    await Promise.all(servers.map((server) => server.stop('SIGKILL')));
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
    reason = starts.find((start) => start.status === 'rejected')?.reason;
  }
  throw new Error(`${binary} did not start: ${reason instanceof Error ? reason.message : String(reason)}`);
}

async function makeFolder(nodesConf: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sse-demo-'));
  await writeFile(join(folder, 'nodes.conf'), nodesConf);
  return folder;
}

async function isFollowing(replica: RedisProcess): Promise<boolean> {
  return (await replica.ask('INFO replication')).includes('master_link_status:up');
}

/** @throws Error with the message, when the time is up */
async function poll<T>(timeout: number, message: string, look: () => Promise<T>): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeout;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`${message} after ${timeout / 1_000} s.`);
    await pause(POLL);
  }
}
