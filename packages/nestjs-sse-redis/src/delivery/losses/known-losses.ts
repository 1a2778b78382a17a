import { POSITIONS_PER_MS, type Position } from '../../event/position.js';
import type { Gap } from '../../event/gap.js';
import type { StartGap } from '../start-position.js';
import { covers, toGap, merge, type Beginning, type Loss } from './loss.js';

/** Losses that a channel is remembered with one by one. Beyond it the two oldest become one, which concerns more clients. */
const MOST_PER_CHANNEL = 32;

/**
 * The losses of all nodes that are younger than the retention: which returning client may lack events that no log shows.
 *
 * In normal operation it is empty, and costs a look at `size` when a client returns.
 */
export class KnownLosses {
  private readonly byChannel = new Map<string, Loss[]>();

  /**
   * @param ttl how long losses are kept, ms
   * @param now the last position that Redis is known to have given out: the clock of this machine may be ahead of it. 0: none is known
   */
  constructor(
    private readonly ttl: number,
    private readonly now: () => Position,
  ) {}

  /** The number of channels that have losses. */
  get size(): number {
    return this.byChannel.size;
  }

  /** Whether a loss concerns no client that is not concerned anyway. */
  knows(loss: Loss): boolean {
    if (this.isOld(loss)) return true;
    return this.byChannel.get(loss.channel)?.some((known) => covers(known, loss)) === true;
  }

  add(loss: Loss): void {
    const others = this.byChannel.get(loss.channel)?.filter((known) => !covers(loss, known)) ?? [];
    const losses = [...others, loss].sort((a, b) => a.after - b.after);
    if (losses.length > MOST_PER_CHANNEL) losses.unshift(merge(losses.shift()!, losses.shift()!));
    this.byChannel.set(loss.channel, losses);
  }

  /**
   * The gap of a client that began on a channel, or is about to.
   *
   * @returns undefined where the usual replay brings all that it may lack
   */
  gapFor(channel: string, beginning: Beginning): StartGap | undefined {
    let gap: StartGap | undefined;
    for (const loss of this.byChannel.get(channel) ?? []) {
      const next = this.isOld(loss) ? undefined : toGap(loss, beginning);
      if (!next) continue;
      // In the order of `after`: the first one begins the gap.
      const from = gap?.from ?? next.from;
      const cause = loss.isFailover ? 'failover' : (gap?.cause ?? 'announcement');
      gap = { channel, from, to: Math.max(gap?.to ?? 0, next.to), cause };
    }
    return gap;
  }

  /** The gaps of a client that comes back with a position to some channels. */
  gapsFor(channels: readonly string[], position: Position | undefined): StartGap[] {
    if (this.byChannel.size === 0 || position === undefined) return [];
    return channels.flatMap((channel) => this.gapFor(channel, { position, isReturn: true }) ?? []);
  }

  /**
   * Whether something of a channel may be missing behind a position, though its log shows nothing of it.
   *
   * @param upTo where the reading ends: what was lost behind it is told with what follows
   */
  isIn(channel: string, after: Position, upTo: Position): boolean {
    return this.gapsFor([channel], after).some(({ from }) => from === null || from < upTo);
  }

  /** What failovers lost for a reader of the log itself, which misses no announcement. */
  failoverAfter(channel: string, position: Position): Gap | undefined {
    const gaps = (this.byChannel.get(channel) ?? [])
      .filter((loss) => loss.isFailover && !this.isOld(loss))
      .flatMap((loss) => toGap(loss, { position, isReturn: true }) ?? []);
    const [first] = gaps;
    return first && { ...first, to: Math.max(...gaps.map(({ to }) => to)) };
  }

  /** Drops what is older than the retention. */
  forget(): void {
    for (const [channel, losses] of this.byChannel) {
      const left = losses.filter((loss) => !this.isOld(loss));
      if (left.length === 0) this.byChannel.delete(channel);
      else if (left.length < losses.length) this.byChannel.set(channel, left);
    }
  }

  private isOld({ until }: Loss): boolean {
    return until < this.now() - this.ttl * POSITIONS_PER_MS;
  }
}
