import toSlot from 'cluster-key-slot';
import { parseJoinedId } from './joined-id.js';

/** Slots of a Redis Cluster: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/. */
const SLOTS = 16_384;

/**
 * Which shard has a channel. The shards part the slots of a Redis Cluster evenly; a channel is where its name would be as a
 * key, so that a `{tag}` in the names keeps channels together.
 */
export class ShardMap {
  /** @param count how many shards the hub has */
  constructor(readonly count: number) {}

  /** The shard of a channel. */
  of(channel: string): number {
    return this.count === 1 ? 0 : this.ofSlot(toSlot(channel));
  }

  /** The same as ids name it: undefined where the hub has but one. */
  idOf(channel: string): number | undefined {
    return this.count === 1 ? undefined : this.of(channel);
  }

  /**
   * The part of an id that concerns the shard of a channel.
   *
   * @returns undefined where the id names others alone; the whole id where it is none of this hub
   */
  entryFor(id: string, channel: string): string | undefined {
    if (this.count === 1) return id;
    const entries = parseJoinedId(id, this.count);
    return entries ? entries.get(this.of(channel)) : id;
  }

  /** What the keys of a shard have in braces: the first of a row that lies in the shard's part of the slots. */
  tagOf(shard: number, prefix: string): string {
    for (let i = 0; ; i++) {
      const tag = `${prefix}:${shard}.${i}`;
      if (this.ofSlot(toSlot(`{${tag}}`)) === shard) return tag;
    }
  }

  private ofSlot(slot: number): number {
    return Math.floor((slot * this.count) / SLOTS);
  }
}
