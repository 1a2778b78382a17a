/** The events that were handed over and are not handled yet. Beyond a limit the rest stays in the log. */
export class Backlog {
  /** Of each event, in order. */
  private readonly sizes: number[] = [];
  private bytes = 0;
  private isFull = false;
  /** Set by the sink. Called when there is room again. */
  onRoom: (() => void) | undefined;

  /** @param limit bytes */
  constructor(private readonly limit: number) {}

  /** @returns whether there is room for more */
  add(bytes: number): boolean {
    this.sizes.push(bytes);
    this.bytes += bytes;
    if (this.bytes > this.limit) this.isFull = true;
    return !this.isFull;
  }

  /** The oldest event is handled. */
  done(): void {
    this.bytes -= this.sizes.shift() ?? 0;
    // Not at each event: every catch-up may read the log.
    if (!this.isFull || this.bytes > this.limit / 2) return;
    this.isFull = false;
    this.onRoom?.();
  }
}
