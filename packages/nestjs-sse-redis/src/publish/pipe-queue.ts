/** Why a pipe stops before its source has ended. */
export interface Failure {
  readonly error: unknown;
}

/** How many items of an iterable may wait for Redis before it is asked for more. */
const ENOUGH_WAITING = 1_024;

/** Items between their source and Redis, in order: each batch is what gathered while the one before was on its way. */
export class PipeQueue<Item, T> {
  private readonly waiting: T[] = [];
  private state: 'open' | 'stopped' | 'over' = 'open';
  private failure: Failure | undefined;
  /** The failure of a source that was stopped and had more to give. */
  private cut: Failure | undefined;
  private interruption: Failure | undefined;
  private isTaking = false;
  private wake: () => void = nothing;
  private makeRoom: () => void = nothing;
  private empty: () => void = nothing;
  /** Called once, when nothing more will come. */
  onEnd: () => void = nothing;

  constructor(private readonly prepare: (item: Item) => T) {}

  /** No more items are wanted, or will come. */
  get over(): boolean {
    return this.state !== 'open';
  }

  get isEnded(): boolean {
    return this.state === 'over';
  }

  get length(): number {
    return this.waiting.length;
  }

  put(item: Item): void {
    if (this.over) {
      this.cut = this.interruption;
      return;
    }
    try {
      this.waiting.push(this.prepare(item));
      this.wake();
    } catch (error) {
      this.end({ error });
    }
  }

  /**
   * Takes no more items. Resolves when those that were put before have been taken, or cannot be.
   *
   * @param interruption the failure, where the source goes on
   */
  async stop(interruption: Failure): Promise<void> {
    if (this.state !== 'open') return;
    this.state = 'stopped';
    this.interruption = interruption;
    this.makeRoom();
    if (this.isTaking || this.length > 0) await new Promise<void>((resolve) => (this.empty = resolve));
  }

  /** What was put before is still taken; then the failure, if there is one, comes out of `drain`. */
  end(failure?: Failure): void {
    if (this.state === 'over') return;
    this.state = 'over';
    this.failure = failure ?? this.cut;
    this.onEnd();
    this.wake();
    this.makeRoom();
  }

  /** Resolves when the source may be asked for more. */
  async room(): Promise<void> {
    if (this.length >= ENOUGH_WAITING && !this.over)
      await new Promise<void>((resolve) => (this.makeRoom = resolve));
  }

  /** Hands on what is put, until the end. @throws the failure, or the error of `take` */
  async drain(take: (batch: T[]) => Promise<void>): Promise<void> {
    try {
      await this.takeAll(take);
    } finally {
      this.end();
      this.empty();
    }
    if (this.failure) throw this.failure.error;
  }

  private async takeAll(take: (batch: T[]) => Promise<void>): Promise<void> {
    for (;;) {
      if (this.waiting.length > 0) {
        const batch = this.waiting.splice(0);
        this.makeRoom();
        this.isTaking = true;
        await take(batch);
        this.isTaking = false;
      } else if (this.state === 'over') return;
      else {
        this.empty();
        await new Promise<void>((resolve) => (this.wake = resolve));
      }
    }
  }
}

function nothing(): void {}
