import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { hasShardedPubSub, until, type TestCluster } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import type { SseRedisOptions } from 'nestjs-sse-redis';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import { resolveOptions } from '../../src/options/resolved-options.js';
import { Heard, publication, publishAll } from './broker-set-ups.js';

/** Where the server under test can have a hub on a cluster. */
export const describeCluster = hasShardedPubSub() ? describe : describe.skip;

/** A process of a hub; its subscriptions are up. */
export interface Member {
  readonly broker: RedisBroker;
  readonly heard: Heard;
}

/** The processes of a hub on a cluster, each test with a prefix of its own. They are closed after it. */
export class ClusterHubs {
  prefix = '';
  warnings: string[] = [];
  private readonly open: RedisBroker[] = [];

  constructor() {
    beforeEach(() => {
      this.prefix = randomUUID();
      this.warnings = [];
      for (const level of ['log', 'debug'] as const) jest.spyOn(Logger.prototype, level).mockReturnValue();
      jest
        .spyOn(Logger.prototype, 'warn')
        .mockImplementation((text: unknown) => void this.warnings.push(String(text)));
    });
    afterEach(async () => {
      jest.restoreAllMocks();
      await Promise.all(this.open.splice(0).map((broker) => broker.close()));
    });
  }

  /** What is in front of all keys. */
  get tag(): string {
    return `{${this.prefix}}`;
  }

  create(options: SseRedisOptions): RedisBroker {
    const resolved = resolveOptions({ prefix: this.prefix, ...options });
    const broker = new RedisBroker(resolved.redis!, resolved, randomUUID());
    this.open.push(broker);
    return broker;
  }

  async join(options: SseRedisOptions, ...channels: string[]): Promise<Member> {
    const broker = this.create(options);
    const heard = new Heard();
    await broker.start(heard);
    for (const channel of channels) await broker.subscribe(channel);
    return { broker, heard };
  }

  /** A process that hears what it publishes. */
  async works(options: SseRedisOptions): Promise<Member> {
    const member = await this.join(options, 'a');
    await publishAll(member.broker, publication('a', 'begun'));
    await until(() => member.heard.data.includes('begun'));
    return member;
  }

  /** The slot of the hub moves, and the process publishes and hears where it is then. */
  async follows(cluster: TestCluster, { broker, heard }: Member): Promise<void> {
    await cluster.migrate(this.tag);
    await this.hears({ broker, heard });
  }

  /** What is published from now on arrives; what came before may have to be read. */
  async hears({ broker, heard }: Member): Promise<void> {
    const text = randomUUID();
    await until(async () => {
      await broker.publish([publication('a', text, { ephemeral: true })]);
      return heard.data.includes(text);
    });
  }
}

/** The events of a channel's log, as numbers. */
export async function logOf({ broker }: Member, channel: string): Promise<number[]> {
  const [slice] = await broker.read([{ channel, after: 0 }], { records: 1_000_000, bytes: Infinity });
  const heard = new Heard();
  for (const record of slice!.records) heard.announced(channel, record);
  return heard.data as number[];
}
