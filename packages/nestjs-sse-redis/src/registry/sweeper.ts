import { Logger } from '@nestjs/common';
import type { RegistryStore } from '../broker/registry-store.interface.js';
import { MAX_TIMER } from '../options/resolved-options.js';

/** Redis does nothing else while a piece is removed. */
export const PIECE_SIZE = 500;
/**
 * How long after an outage a process may take to renew its lease. Its connections wait up to 2.5 s between two attempts, and its subscriptions
 * are made anew first.
 */
const COMEBACK_MS = 5_000;
/** After so many outages in a row there is no more waiting: where renewals fail now and then, nobody would ever sweep. */
const MOST_GRACES = 5;

/** The part of a process in removing what dead ones left behind. */
export class Sweeper {
  readonly counts = { runs: 0, removed: 0 };
  /** Called with runs of a dead node, to end them. Resolves to the channels whose runs are over. */
  onRunsLeft: (node: string, channels: readonly string[]) => Promise<readonly string[]> = () =>
    Promise.resolve([]);
  private readonly logger = new Logger('SseRegistry');
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<number> | undefined;
  /** From when on a lease that has run out is that of a dead process; by `performance.now()`. */
  private certainFrom = -Infinity;
  /** The outages in a row after which others had time to come back. */
  private graces = 0;
  /** When the first sweep may be, by `performance.now()`: an outage may have been there before this process. */
  private sweepsFrom: number | undefined;
  /** Since when Redis has not answered a renewal, by `performance.now()`. */
  private renewingSince: number | undefined;
  private isStopped = false;

  /**
   * @param node that sweeps
   * @param interval ms
   */
  constructor(
    private readonly node: string,
    private readonly store: Pick<RegistryStore, 'sweep' | 'removeRuns'>,
    private readonly interval: number,
  ) {}

  /** Whether others whose leases have run out may live: they could not renew them, as this process could not, or cannot yet. */
  get isUncertain(): boolean {
    return this.renewingSince !== undefined || performance.now() < this.certainFrom;
  }

  /** Whether this process has not renewed its lease since that failed. */
  get isCutOff(): boolean {
    return this.certainFrom === Infinity;
  }

  /**
   * Learns from a renewal of this process's own lease what others could do.
   *
   * @param inTime until when the answer says that all could renew theirs, ms since the epoch. A renewal that was held up, in Redis or
   * with the whole machine, need not have failed
   */
  async heed<Answer>(renewal: Promise<Answer>, inTime = Infinity): Promise<Answer> {
    this.renewingSince = performance.now();
    try {
      const answer = await renewal;
      if (Date.now() > inTime) this.noteOutage();
      this.renewed();
      return answer;
    } catch (error) {
      this.noteOutage();
      throw error;
    } finally {
      this.renewingSince = undefined;
    }
  }

  /** Others may have been unable to renew their leases. Nothing of theirs is removed until this process has, and they had time for it. */
  noteOutage(): void {
    const certainUntil = this.renewingSince ?? performance.now();
    // Long enough for a sweep.
    if (certainUntil - this.certainFrom > this.interval / 4) this.graces = 0;
    this.certainFrom = Infinity;
  }

  /**
   * Sweeps when a lease runs out, if it was not renewed by then. Of several processes one comes first, and the others find nothing.
   *
   * @param ms until it runs out
   */
  plan(ms: number): void {
    if (this.timer) return;
    const certainFrom = Math.max(this.certainFrom, this.sweepsFrom ?? -Infinity);
    const wait = Math.max(ms, certainFrom - performance.now());
    const delay = Math.min(wait + 1 + (Math.random() * this.interval) / 4, MAX_TIMER);
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.sweepIfCertain();
    }, delay).unref();
  }

  /**
   * Removes what dead processes left behind.
   *
   * @returns how many connections that were
   * @throws RedisUnavailableError
   */
  sweep(): Promise<number> {
    return (this.sweeping ??= this.sweepPieces().finally(() => (this.sweeping = undefined)));
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  /** A getter, since tests on a busy machine give others longer. */
  private get comeback(): number {
    return COMEBACK_MS;
  }

  private renewed(): void {
    this.sweepsFrom ??= performance.now() + this.comeback;
    if (!this.isCutOff) return;
    this.certainFrom = performance.now() + (this.graces++ < MOST_GRACES ? this.comeback : 0);
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** Else the next renewal finds the lease again, or the one whose answer is not there yet. */
  private sweepIfCertain(): void {
    if (this.isUncertain || this.isStopped) return;
    void this.sweep().catch((error: Error) => this.logger.debug(`Could not sweep: ${error.message}`));
  }

  private async sweepPieces(): Promise<number> {
    const lockTtl = Math.ceil(Math.min(1_000, Math.max(20, this.interval / 4)));
    let removed = 0;
    this.counts.runs++;
    for (;;) {
      const piece = await this.store.sweep(this.node, lockTtl, PIECE_SIZE);
      removed += piece.removed;
      this.counts.removed += piece.removed;
      if (piece.node !== undefined && piece.removed > 0)
        this.logger.log(`Removed ${piece.removed} connections of ${piece.node}, whose lease ran out.`);
      if (piece.node !== undefined && piece.runs.length > 0 && !(await this.endRuns(piece.node, piece.runs)))
        return removed;
      // Whoever holds the lock does the work, or has died over it.
      if (piece.locked) setTimeout(() => this.sweepIfCertain(), lockTtl).unref();
      if (!piece.more || piece.locked) return removed;
    }
  }

  /** @returns whether all of them are over; else a later sweep tries again */
  private async endRuns(node: string, channels: readonly string[]): Promise<boolean> {
    const over = await this.onRunsLeft(node, channels);
    if (over.length > 0) await this.store.removeRuns(node, over);
    return over.length === channels.length;
  }
}
