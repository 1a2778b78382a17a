import { TestCluster, until, type RedisServer } from '@nestjs-sse-redis/testing';
import type { SseRedisOptions } from 'nestjs-sse-redis';
import type { Fork } from '../../src/broker/broker.interface.js';
import { parseEventId } from '../../src/event/position.js';
import { AppNode } from './app-node.js';
import { FAST } from './deployment.js';
import { readForks } from './read-forks.js';
import type { Payload } from './publisher.js';
import type { LoggedEvent } from './verdict.js';

/** All keys of the hub are in the slot of this one. */
export const HUB = '{sse}';

const OPTIONS: SseRedisOptions = {
  ...FAST,
  // A slot that moves takes each key of an idempotent publish along, one by one.
  idempotencyWindow: 30_000,
  registry: { leaseTtl: 60_000 },
};
/** A node that has nothing to ask Redis for, nor does it publish: it hears that the slot has moved, or the watch finds out. */
const QUIET: SseRedisOptions = { probeInterval: 60_000, auditInterval: 600_000 };

/** A cluster, and three nodes of one application, the last of them a quiet one. */
export class ClusterDeployment {
  static async start(): Promise<ClusterDeployment> {
    const cluster = await TestCluster.start();
    const deployment = new ClusterDeployment(cluster);
    await Promise.all(deployment.nodes.map((node) => node.restart()));
    return deployment;
  }

  readonly nodes: readonly AppNode[];
  readonly quiet: AppNode;
  /** When a replica of each shard was made its master last, by the number of the shard; ms of `performance.now()`. */
  private readonly elections = new Map<number, number>();

  private constructor(readonly cluster: TestCluster) {
    this.quiet = this.createQuietNode('the quiet node');
    this.nodes = [this.createNode('node 0'), this.createNode('node 1'), this.quiet];
  }

  private createNode(name: string, options: SseRedisOptions = {}, execArgv?: string[]): AppNode {
    const adapter = name.endsWith('1') ? 'fastify' : 'express';
    return new AppNode(name, adapter, { redis: this.cluster.connection, ...OPTIONS, ...options }, execArgv);
  }

  /** @param twin a module of `twins/` that takes a protection away */
  createQuietNode(name: string, twin?: string): AppNode {
    const execArgv = twin ? ['--import', new URL(`./twins/${twin}`, import.meta.url).href] : undefined;
    return this.createNode(name, QUIET, execArgv);
  }

  /** The hub moves to the shard whose last election is the longest ago: Redis holds back one that follows soon. */
  async prepareElection(): Promise<void> {
    const { cluster, elections } = this;
    const masters = await cluster.masters();
    const next = masters.reduce((one, other) =>
      (elections.get(this.shardOf(one)) ?? 0) <= (elections.get(this.shardOf(other)) ?? 0) ? one : other,
    );
    if ((await cluster.owner(HUB)) !== next) await cluster.migrate(HUB, { to: next });
    elections.set(this.shardOf(next), performance.now());
    await this.replicated();
  }

  private shardOf(server: RedisServer): number {
    return this.cluster.nodes.indexOf(server) % 3;
  }

  /** A replica that follows its master has the clock; else it would be lost with all data. */
  async replicated(): Promise<void> {
    for (const replica of await this.cluster.replicasOf(await this.cluster.owner(HUB))) {
      // It may still load what its master has sent.
      await until(() =>
        replica.cli('READONLY').then(
          () => true,
          () => false,
        ),
      );
      await until(() => replica.cli('EXISTS', `${HUB}:clock`).then((count) => count === 1));
    }
  }

  /** What survived of the channels. */
  async readLogs(channels: readonly string[]): Promise<LoggedEvent[]> {
    const owner = await this.cluster.owner(HUB);
    const logs = channels.map(async (channel) => {
      const entries = (await owner.cli('XRANGE', getLog(channel), '-', '+')) as [string, [string, string]][];
      return entries.map(([, [, record]]) => {
        const id = /^id: (.*)$/m.exec(record)![1]!;
        const { key } = JSON.parse(/^data: (.*)$/m.exec(record)![1]!) as Payload;
        return { id, key, channel, position: parseEventId(id)! };
      });
    });
    return (await Promise.all(logs)).flat();
  }

  async readForks(): Promise<Fork[]> {
    const owner = await this.cluster.owner(HUB);
    return readForks((...command) => owner.cli(...command), HUB);
  }

  async forget(channels: readonly string[]): Promise<void> {
    await (await this.cluster.owner(HUB)).cli('UNLINK', ...channels.map(getLog));
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill('SIGKILL')));
    await this.cluster.stop();
  }
}

const getLog = (channel: string): string => `${HUB}:log:${channel}`;
