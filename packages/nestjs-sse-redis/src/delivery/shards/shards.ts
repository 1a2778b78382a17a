import type { Publication, Published, PublishOutcome } from '../../broker/broker.interface.js';
import type { Position } from '../../event/position.js';
import type { ShardMap } from '../../event/shard-map.js';
import type { SubscriberPool } from '../open-subscriber.interface.js';
import { groupBy } from '../../util/group-by.js';
import type { Pause } from '../../util/waits.js';
import { JoinedSubscribers } from './joined-subscribers.js';
import type { Shard } from './shard.js';
import type { Heartbeat } from '../heartbeat.js';

/** All shards of a hub. Where it has but one, that is also the one of the registry. */
export class Shards {
  /** Opens connections on channels of any shard. */
  readonly subscribers: SubscriberPool;
  /** Each once. */
  readonly all: readonly Shard[];

  /**
   * @param home the shard of the registry, its changes and the inboxes
   * @param parts those of channels, in the order of their numbers
   */
  constructor(
    readonly map: ShardMap,
    readonly home: Shard,
    readonly parts: readonly Shard[],
    heartbeat: Heartbeat,
  ) {
    this.all = parts.length === 1 ? parts : [home, ...parts];
    this.subscribers =
      parts.length === 1 ? parts[0]!.subscribers : new JoinedSubscribers(map, parts, heartbeat);
  }

  /** How many channels are listened to here. */
  get size(): number {
    return this.all.reduce((sum, { feeds }) => sum + feeds.size, 0);
  }

  /** When the link of which that is longest ago was proven; ms since the epoch. Undefined where one was not, since it is up. */
  get provenAt(): number | undefined {
    const times = this.all.map(({ feeds }) => feeds.provenAt);
    return times.includes(undefined) ? undefined : Math.min(...(times as number[]));
  }

  of(channel: string): Shard {
    return this.parts[this.map.of(channel)]!;
  }

  /** Publishes in the given order, as far as events are of one shard. Never rejects. */
  async publish(publications: readonly Publication[]): Promise<PublishOutcome[]> {
    if (this.parts.length === 1) return this.parts[0]!.publish(publications);
    const places = groupBy(publications.keys(), (i) => this.of(publications[i]!.channel));
    const outcomes: PublishOutcome[] = [];
    const publishSome = async (shard: Shard, some: readonly number[]): Promise<void> => {
      const results = await shard.publish(some.map((i) => publications[i]!));
      results.forEach((result, n) => (outcomes[some[n]!] = result));
    };
    await Promise.all([...places].map(([shard, some]) => publishSome(shard, some)));
    return outcomes;
  }

  /**
   * Sends a message to a node. Its link of the registry may be dead unnoticed: then the message goes over another shard.
   *
   * @returns how many hear it
   */
  async send(node: string, message: string): Promise<number> {
    const receivers = await this.home.broker.send(node, message);
    if (receivers > 0) return receivers;
    for (const { broker } of this.all.slice(1)) {
      const others = await broker.send(node, message).catch(() => 0);
      if (others > 0) return others;
    }
    return 0;
  }

  /** How to wait before another attempt on channels, for which the registry may be needed as well. */
  pauseOf(...channels: readonly string[]): Pause {
    const brokers = new Set([this.home.broker, ...channels.map((channel) => this.of(channel).broker)]);
    return (ms, signal) => Promise.race([...brokers].map((broker) => broker.pause(ms, signal)));
  }

  idOf(channel: string, published: Published): string {
    return this.of(channel).idOf(published);
  }

  /** The ids of now, of the shards of some channels, or of all. @throws RedisUnavailableError */
  async cursor(channels?: readonly string[]): Promise<string> {
    const shards = channels === undefined ? this.parts : [...new Set(channels.map((name) => this.of(name)))];
    const ids = shards.map(async ({ feeds }) => feeds.lines.toId(await feeds.currentPosition()));
    return (await Promise.all(ids)).join(',');
  }

  /**
   * Resolves when the listeners of this process have been given these events, so far as links let them.
   *
   * @param timeout ms after which they are not waited for
   */
  async waitFor(events: readonly { channel: string; position: Position }[], timeout: number): Promise<void> {
    const byShard = [...groupBy(events, ({ channel }) => this.of(channel))];
    await Promise.all(byShard.map(([{ feeds }, some]) => feeds.waitFor(some, timeout)));
  }
}
