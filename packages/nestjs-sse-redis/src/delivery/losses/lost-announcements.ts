import type { Position } from '../../event/position.js';
import { covers, toGap, isOlder, merge, type Loss } from './loss.js';
import type { Gap } from '../../event/gap.js';

/** Losses that a channel is remembered with one by one. Beyond it the two oldest become one, which concerns more clients. */
const MOST_PER_CHANNEL = 32;

/**
 * The losses of all nodes that are younger than the retention: which returning client may lack events that no log shows.
 *
 * In normal operation it is empty, and costs a look at `size` when a client returns.
 */
export class LostAnnouncements {
  private readonly byChannel = new Map<string, Loss[]>();

  /** @param ttl how long losses are kept, ms */
  constructor(private readonly ttl: number) {}

  /** The number of channels that have losses. */
  get size(): number {
    return this.byChannel.size;
  }

  /** Whether a loss concerns no client that is not concerned anyway. */
  knows(loss: Loss): boolean {
    if (isOlder(loss.until, this.ttl)) return true;
    return this.byChannel.get(loss.channel)?.some((known) => covers(known, loss)) === true;
  }

  add(loss: Loss): void {
    const others = this.byChannel.get(loss.channel)?.filter((known) => !covers(loss, known)) ?? [];
    const losses = [...others, loss].sort((a, b) => a.after - b.after);
    if (losses.length > MOST_PER_CHANNEL) losses.unshift(merge(losses.shift()!, losses.shift()!));
    this.byChannel.set(loss.channel, losses);
  }

  /**
   * The gap of a client that comes to a channel with a position that it was told by whatever node.
   *
   * @returns undefined where the usual replay brings all that it may lack
   */
  gapFor(channel: string, claimed: Position): Gap | undefined {
    let gap: Gap | undefined;
    for (const loss of this.byChannel.get(channel) ?? []) {
      const next = isOlder(loss.until, this.ttl) ? undefined : toGap(loss, claimed);
      if (!next) continue;
      // In the order of `after`: the first one begins the gap.
      gap = { channel, from: gap?.from ?? next.from, to: Math.max(gap?.to ?? 0, next.to) };
    }
    return gap;
  }

  /** The gaps of a client that comes with a position to some channels; undefined where there are none. */
  gapsFor(channels: readonly string[], claimed: Position | undefined): Gap[] | undefined {
    if (this.byChannel.size === 0 || claimed === undefined) return undefined;
    const gaps = channels.flatMap((channel) => this.gapFor(channel, claimed) ?? []);
    return gaps.length > 0 ? gaps : undefined;
  }

  /** Drops what is older than the retention. */
  forget(): void {
    for (const [channel, losses] of this.byChannel) {
      const left = losses.filter(({ until }) => !isOlder(until, this.ttl));
      if (left.length === 0) this.byChannel.delete(channel);
      else if (left.length < losses.length) this.byChannel.set(channel, left);
    }
  }
}
