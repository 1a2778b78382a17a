const TICK_MS = 500;

/** An object that ends at a set time. */
export interface Expirable {
  expire(): void;
}

/** One timer for all that ends at a set time: those of the same half second are in one bucket. */
export class ExpiryTimer {
  private readonly buckets = new Map<number, Set<Expirable>>();
  private readonly timer: NodeJS.Timeout;
  private passed = toBucket(Date.now()) - 1;

  constructor() {
    this.timer = setInterval(() => this.tick(), TICK_MS);
    this.timer.unref();
  }

  /** @param at ms since the epoch */
  add(at: number, target: Expirable): void {
    const bucket = Math.max(toBucket(at), this.passed + 1);
    const set = this.buckets.get(bucket);
    if (set) set.add(target);
    else this.buckets.set(bucket, new Set([target]));
  }

  /** @param at as it was added */
  remove(at: number, target: Expirable): void {
    const bucket = toBucket(at);
    const set = this.buckets.get(bucket);
    if (set?.delete(target) && set.size === 0) this.buckets.delete(bucket);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private tick(): void {
    // The bucket of now is not over yet.
    const over = toBucket(Date.now()) - 1;
    if (over <= this.passed) return;
    // After a pause of the process, or a clock that was set ahead, there may be many, most of them empty.
    const due = [...this.buckets.keys()].filter((bucket) => bucket <= over).sort((a, b) => a - b);
    this.passed = over;
    for (const bucket of due) {
      const targets = this.buckets.get(bucket)!;
      this.buckets.delete(bucket);
      for (const target of targets) target.expire();
    }
  }
}

function toBucket(at: number): number {
  return Math.floor(at / TICK_MS);
}
