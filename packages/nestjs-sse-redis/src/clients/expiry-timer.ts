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
    const bucket = Math.max(toBucket(at), Math.min(this.passed, lastOver()) + 1);
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
    const over = lastOver();
    const isNew = over > this.passed;
    // Smaller where the clock was set back: a time that comes for the second time must not pass for over.
    this.passed = over;
    if (!isNew) return;
    // After a pause of the process, or a clock that was set ahead, there may be many, most of them empty.
    const due = [...this.buckets.keys()].filter((bucket) => bucket <= over).sort((a, b) => a - b);
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

/** The bucket of now is not over yet. */
function lastOver(): number {
  return toBucket(Date.now()) - 1;
}
