/** The requests of one turn, and the result of handling them. */
interface Batch<Items, Result> {
  readonly items: Items;
  readonly result: Promise<Result>;
}

/**
 * Collects the requests of one turn of the event loop, and handles them together in a microtask.
 *
 * @example
 * ```ts
 * const reads = new TurnBatch((): string[] => [], (keys) => redis.mget(keys));
 * const { items, result } = reads.current;
 * const index = items.push('key') - 1;
 * const value = (await result)[index];
 * ```
 */
export class TurnBatch<Items, Result> {
  private batch: Batch<Items, Result> | undefined;

  /**
   * @param create an empty collection
   * @param handle called once for each batch, which is no longer the current one then
   */
  constructor(
    private readonly create: () => Items,
    private readonly handle: (items: Items, result: Promise<Result>) => Result | Promise<Result>,
  ) {}

  /** The batch of this turn, to add requests to. */
  get current(): Batch<Items, Result> {
    return (this.batch ??= this.begin());
  }

  /** The requests of this turn so far; undefined if there are none. */
  get items(): Items | undefined {
    return this.batch?.items;
  }

  private begin(): Batch<Items, Result> {
    const items = this.create();
    const result: Promise<Result> = this.untilDue().then(() => {
      this.batch = undefined;
      return this.handle(items, result);
    });
    return { items, result };
  }

  /** Resolves in a microtask: what this turn asks for belongs to the batch. */
  protected untilDue(): Promise<void> {
    return Promise.resolve();
  }
}
