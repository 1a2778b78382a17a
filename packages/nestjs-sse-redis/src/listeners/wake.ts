import type { Observable, Subscription } from 'rxjs';

/** Says that there is something new to read, however much. */
export class Wake {
  private readonly subscription: Subscription;
  private isDue = false;
  private resolve: (() => void) | undefined;
  private timer: NodeJS.Timeout | undefined;

  /** @param signal ends all waiting */
  constructor(
    news: Observable<unknown>,
    private readonly signal: AbortSignal,
  ) {
    this.subscription = news.subscribe({ next: this.ring, complete: this.ring, error: this.ring });
    signal.addEventListener('abort', this.ring);
  }

  /** What has come up to now is about to be read. */
  reset(): void {
    this.isDue = false;
  }

  /** Resolves when something has come since the last `reset()`, or after a time. @param timeout ms */
  async next(timeout: number): Promise<void> {
    if (this.isDue || this.signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.resolve = resolve;
      this.timer = setTimeout(resolve, timeout).unref();
    });
    clearTimeout(this.timer);
    this.resolve = undefined;
  }

  stop(): void {
    this.subscription.unsubscribe();
    this.signal.removeEventListener('abort', this.ring);
    this.ring();
  }

  private readonly ring = (): void => {
    this.isDue = true;
    this.resolve?.();
  };
}
