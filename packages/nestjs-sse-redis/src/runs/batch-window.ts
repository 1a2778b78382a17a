/** The time between two events of a run in which items gather. */
export class BatchWindow {
  private waiting = 0;
  private isClosed = false;
  private wake: () => void = () => undefined;

  constructor(private readonly limits: { readonly interval: number; readonly items: number }) {}

  /** An item came. */
  count(): void {
    if (++this.waiting >= this.limits.items) this.wake();
  }

  /** Resolves when the next event is due. @param taken how many items have gone out */
  async pass(taken: number): Promise<void> {
    this.waiting -= taken;
    const { interval, items } = this.limits;
    if (interval === 0 || this.isClosed || this.waiting >= items) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, interval);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Nothing is waited for any more. */
  close(): void {
    this.isClosed = true;
    this.wake();
  }
}
