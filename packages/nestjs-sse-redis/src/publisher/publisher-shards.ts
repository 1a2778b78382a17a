import type { Publication, Published, PublishOutcome } from '../broker/broker.interface.js';
import { idOfPublished } from '../broker/forks.js';
import { RedisPublisher } from '../broker/redis/redis-publisher.js';
import { ShardMap } from '../event/shard-map.js';
import type { PublishTarget } from '../publish/publisher.js';
import { groupBy } from '../util/group-by.js';
import type { ResolvedPublisherOptions } from './publisher-options.js';

/** The shards of a hub, for publishing: one connection each, made for the first event of the shard. */
export class PublisherShards implements PublishTarget {
  readonly map: ShardMap;
  private readonly parts = new Map<number, RedisPublisher>();
  private counted: Promise<void> | undefined;
  /** Of several shards: that which knows their number. */
  private home: RedisPublisher | undefined;

  constructor(private readonly options: ResolvedPublisherOptions) {
    this.map = new ShardMap(options.shards);
  }

  /** In the given order, as far as events are of one shard. Never rejects. */
  async publish(publications: readonly Publication[]): Promise<PublishOutcome[]> {
    if (this.map.count === 1) return this.part(0).publish(publications);
    const places = groupBy(publications.keys(), (i) => this.map.of(publications[i]!.channel));
    const outcomes: PublishOutcome[] = [];
    const publishSome = async ([shard, some]: [number, number[]]): Promise<void> => {
      const results = await this.part(shard).publish(some.map((i) => publications[i]!));
      results.forEach((result, n) => (outcomes[some[n]!] = result));
    };
    await Promise.all([...places].map(publishSome));
    return outcomes;
  }

  idOf(channel: string, published: Published): string {
    return idOfPublished(this.part(this.map.of(channel)).line, published);
  }

  close(): void {
    this.home?.close();
    for (const part of this.parts.values()) part.close();
  }

  private part(shard: number): RedisPublisher {
    const known = this.parts.get(shard);
    if (known) return known;
    const { map, options } = this;
    const part =
      map.count === 1
        ? new RedisPublisher(options.redis, options)
        : new RedisPublisher(options.redis, options, { index: shard, map }, () => this.count());
    this.parts.set(shard, part);
    return part;
  }

  /** The number of shards is noted with the registry, whose keys are of no shard. @throws InvalidOptionsError for another number */
  private count(): Promise<void> {
    return (this.counted ??= this.ask().catch((error: unknown) => {
      this.counted = undefined;
      throw error;
    }));
  }

  private async ask(): Promise<void> {
    const home = (this.home = new RedisPublisher(this.options.redis, this.options));
    try {
      await home.open();
    } finally {
      home.close();
    }
  }
}
