import { TestCluster, until, type RedisServer } from '@nestjs-sse-redis/testing';
import type { SseRedisOptions } from 'nestjs-sse-redis';
import type { Fork } from '../../src/broker/broker.interface.js';
import { parseEventId } from '../../src/event/position.js';
import { ShardMap } from '../../src/event/shard-map.js';
import { AppNode } from './app-node.js';
import { FAST } from './deployment.js';
import { readForks } from './read-forks.js';
import type { Payload } from './publisher.js';
import type { LoggedEvent } from './verdict.js';

/** The prefix of the hub, as it is by default. */
const PREFIX = 'sse';

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
  /** @param shards of the hub */
  static async start(shards = 1): Promise<ClusterDeployment> {
    const cluster = await TestCluster.start();
    const deployment = new ClusterDeployment(cluster, new ShardMap(shards));
    await Promise.all(deployment.nodes.map((node) => node.restart()));
    return deployment;
  }

  readonly nodes: readonly AppNode[];
  readonly quiet: AppNode;
  /** When a replica of each shard was made its master last, by the number of the shard; ms of `performance.now()`. */
  private readonly elections = new Map<number, number>();

  /** The hash tags of the hub: that of the registry, then those of shards with channels. */
  private readonly tags: readonly string[];
  /** What befalls: the slot of this tag, and whatever else is on its master. */
  target: string;

  private constructor(
    readonly cluster: TestCluster,
    readonly map: ShardMap,
  ) {
    const parts = Array.from({ length: map.count }, (_, shard) => `{${map.tagOf(shard, PREFIX)}}`);
    this.tags = map.count === 1 ? [`{${PREFIX}}`] : [`{${PREFIX}}`, ...parts];
    this.target = this.tags[0]!;
    this.quiet = this.createQuietNode('the quiet node');
    this.nodes = [this.createNode('node 0'), this.createNode('node 1'), this.quiet];
  }

  private createNode(name: string, options: SseRedisOptions = {}, execArgv?: string[]): AppNode {
    const adapter = name.endsWith('1') ? 'fastify' : 'express';
    const all = {
      redis: this.cluster.connection,
      shards: this.map.count,
      ...OPTIONS,
      ...options,
    };
    return new AppNode(name, adapter, all, execArgv);
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
    if ((await cluster.owner(this.target)) !== next) await cluster.migrate(this.target, { to: next });
    elections.set(this.shardOf(next), performance.now());
    await this.replicated();
  }

  private shardOf(server: RedisServer): number {
    return this.cluster.nodes.indexOf(server) % 3;
  }

  /** The next fault befalls another slot of the hub. */
  nextTarget(): void {
    this.target = this.tags[(this.tags.indexOf(this.target) + 1) % this.tags.length]!;
  }

  /** The tag of the shard of a channel. */
  private tagOf(channel: string): string {
    return this.getTag(this.map.of(channel));
  }

  private getTag(shard: number): string {
    return this.tags[this.map.count === 1 ? 0 : shard + 1]!;
  }

  private getLog(channel: string): string {
    return `${this.tagOf(channel)}:log:${channel}`;
  }

  /** A replica that follows its master has the clocks; else they would be lost with all data. */
  async replicated(): Promise<void> {
    for (const tag of this.tags) await this.isReplicated(tag);
  }

  private async isReplicated(tag: string): Promise<void> {
    for (const replica of await this.cluster.replicasOf(await this.cluster.owner(tag))) {
      // It may still load what its master has sent.
      await until(() =>
        replica.cli('READONLY').then(
          () => true,
          () => false,
        ),
      );
      await until(() => replica.cli('EXISTS', `${tag}:clock`).then((count) => count === 1));
    }
  }

  /** What survived of the channels. */
  async readLogs(channels: readonly string[]): Promise<LoggedEvent[]> {
    const logs = channels.map(async (channel) => {
      const owner = await this.cluster.owner(this.tagOf(channel));
      const entries = (await owner.cli('XRANGE', this.getLog(channel), '-', '+')) as [
        string,
        [string, string],
      ][];
      return entries.map(([, [, record]]) => {
        const id = /^id: (.*)$/m.exec(record)![1]!;
        const { key } = JSON.parse(/^data: (.*)$/m.exec(record)![1]!) as Payload;
        return { id, key, channel, position: parseEventId(id)! };
      });
    });
    return (await Promise.all(logs)).flat();
  }

  async readForks(shard: number): Promise<Fork[]> {
    const tag = this.getTag(shard);
    const owner = await this.cluster.owner(tag);
    return readForks((...command) => owner.cli(...command), tag);
  }

  async forget(channels: readonly string[]): Promise<void> {
    for (const channel of channels)
      await (await this.cluster.owner(this.tagOf(channel))).cli('UNLINK', this.getLog(channel));
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill('SIGKILL')));
    await this.cluster.stop();
  }
}
