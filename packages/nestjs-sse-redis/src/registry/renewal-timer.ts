import { MAX_TIMER } from '../options/resolved-options.js';

/** Renewed so often within the lease: one or two renewals may fail. */
export const RENEWALS_PER_LEASE = 3;
/** ms after which a renewal that failed is tried again. A lease would run out where each of its renewals met a cut connection. */
const RETRY_MS = 1_000;
/** By what an idle process stretches its lease, renewals and probes, with `idle: 'cheap'`: from five seconds to a minute. */
const IDLE_PACE = 12;

export interface RenewalTimerOptions {
  readonly leaseTtl: number;
  readonly sweepInterval: number;
  readonly idle: 'normal' | 'cheap';
}

/** How long the lease lasts from now, and when the next renewal comes; ms. */
export interface RenewalTerms {
  readonly ttl: number;
  readonly next: number;
  readonly pace: number;
}

/** Decides when the lease is renewed, and for how long: more rarely while nobody uses this process, if that is to be cheap. */
export class RenewalTimer {
  /** By how much lease and renewals are longer than for a process that is in use. */
  pace = 1;
  /** When it last ceased to be idle; ms since the epoch. */
  busySince = 0;
  /** When the next renewal is to be sent; ms since the epoch. */
  dueAt = Infinity;
  private usedAt = performance.now();
  private interval = MAX_TIMER;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  /** @param isUsed whether anybody needs this process at the moment */
  constructor(
    private readonly options: RenewalTimerOptions,
    private readonly isUsed: () => boolean,
    private readonly renew: () => void,
  ) {}

  /** A renewal is sent now: on these terms, and the next one follows. */
  next(): RenewalTerms {
    const { leaseTtl, sweepInterval, idle } = this.options;
    if (this.isUsed()) this.usedAt = performance.now();
    // A lease longer, since clients that come back, say, are away for seconds.
    const isIdle = idle === 'cheap' && performance.now() - this.usedAt >= leaseTtl;
    const pace = (this.pace = isIdle ? IDLE_PACE : 1);
    const next = Math.min(Math.min(leaseTtl / RENEWALS_PER_LEASE, sweepInterval) * pace, MAX_TIMER);
    this.interval = next;
    this.schedule(next);
    return { ttl: leaseTtl * pace, next: Math.floor(next), pace };
  }

  /** A renewal has failed, or waits for its answer. The next one may have been due meanwhile, and gone by. */
  retry(): void {
    this.schedule(Math.min(this.interval, RETRY_MS));
  }

  /** Somebody needs this process. @returns whether it was idle, and is to renew its lease at once */
  wake(): boolean {
    this.usedAt = performance.now();
    if (this.pace === 1) return false;
    this.pace = 1;
    this.busySince = Date.now();
    return true;
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private schedule(ms: number): void {
    clearTimeout(this.timer);
    if (this.isStopped) return;
    this.dueAt = Date.now() + ms;
    const timer = setTimeout(() => {
      this.renew();
      // None was sent, where one still waits for its answer. That may be good, and then nothing else would send the next.
      if (this.timer === timer) this.retry();
    }, ms);
    this.timer = timer.unref();
  }
}
