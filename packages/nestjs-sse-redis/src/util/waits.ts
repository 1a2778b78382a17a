/** Waits up to so many ms, or until the signal is aborted, or what is waited for may be there. */
export type Pause = (ms: number, signal?: AbortSignal) => Promise<void>;

/**
 * Waits that may be ended early, all at once: what they wait out may be over before the time is.
 *
 * None of them keeps a process alive.
 *
 * @example
 * const waits = new Waits();
 * redis.on('ready', () => waits.end());
 * await waits.wait(1_000);
 */
export class Waits {
  private readonly ends = new Set<() => void>();

  /**
   * Resolves when the time is up, or at the next `end()`.
   *
   * @param ms milliseconds
   * @param signal ends it as well
   */
  wait(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.ends.delete(end);
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms).unref();
      this.ends.add(end);
      signal?.addEventListener('abort', end);
    });
  }

  /** Ends all that there are now. */
  end(): void {
    for (const end of [...this.ends]) end();
  }
}
