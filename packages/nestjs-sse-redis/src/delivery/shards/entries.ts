import { formatJoinedId } from '../../event/joined-id.js';

/** The id that was joined last: connections on the same shards are told the same, one after the other. */
let last: { first: number; ids: readonly (string | undefined)[]; joined: string | undefined } | undefined;

/** What a client has of each shard, in the order of these. */
export class Entries {
  private readonly shards: number[] = [];
  private readonly ids: (string | undefined)[] = [];

  get size(): number {
    return this.shards.length;
  }

  get(shard: number): string | undefined {
    return this.ids[this.shards.indexOf(shard)];
  }

  /** @param id undefined where it is not known yet */
  set(shard: number, id: string | undefined): void {
    const at = this.shards.indexOf(shard);
    if (at >= 0) {
      this.ids[at] = id;
      return;
    }
    const before = this.shards.findIndex((other) => other > shard);
    const place = before === -1 ? this.shards.length : before;
    this.shards.splice(place, 0, shard);
    this.ids.splice(place, 0, id);
  }

  /** The joined id. @param shard whose entry comes first @returns undefined where an entry is not known */
  join(shard: number): string | undefined {
    const { ids } = this;
    const first = this.shards.indexOf(shard);
    if (last?.first === first && isSame(last.ids, ids)) return last.joined;
    last = { first, ids: [...ids], joined: formatJoinedId(first, ids) };
    return last.joined;
  }
}

function isSame(one: readonly (string | undefined)[], other: readonly (string | undefined)[]): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}
