import { setTimeout as delay } from 'node:timers/promises';
import { TurnBatch } from './turn-batch.js';

/**
 * A `TurnBatch` whose batches have a least time between them. A single request is handled at once. In a storm of clients, of which
 * each comes in a callback of its own, those of some milliseconds share the cost of one batch.
 *
 * @example
 * ```ts
 * const reads = new SpacedBatch((): string[] => [], (keys) => redis.mget(keys), 20);
 * const { items, result } = reads.current;
 * const index = items.push('key') - 1;
 * const value = (await result)[index];
 * ```
 */
export class SpacedBatch<Items, Result> extends TurnBatch<Items, Result> {
  /** ms of `performance.now()`. */
  private lastBegan = -Infinity;

  /**
   * @param create as `TurnBatch`
   * @param handle as `TurnBatch`
   * @param spacing ms from the beginning of one batch to that of the next, at least
   */
  constructor(
    create: () => Items,
    handle: (items: Items, result: Promise<Result>) => Result | Promise<Result>,
    private readonly spacing: number,
  ) {
    super(create, handle);
  }

  protected override async untilDue(): Promise<void> {
    const wait = this.lastBegan + this.spacing - performance.now();
    // Not unref'd: a process that is ending waits for what it has asked for.
    if (wait > 0) await delay(wait);
    this.lastBegan = performance.now();
  }
}
