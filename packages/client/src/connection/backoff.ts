/** The first attempt after a stream that worked: at once, after the time that the server told, or after one that grows. */
export type Pace = 'now' | 'told' | 'grow';

const DEFAULT_MIN = 1_000;
const DEFAULT_MAX = 30_000;
/** ms: a server that says `retry: 0` is not asked without a pause, again and again. */
const SMALLEST_STEP = 250;

/** How long to wait before the next attempt. The waits grow without an end, and each client has its own. */
export class Backoff {
  /** Attempts since a stream last proved to be stable. */
  failures = 0;
  private min: number;
  readonly max: number;

  constructor({
    min = DEFAULT_MIN,
    max = DEFAULT_MAX,
  }: { readonly min?: number | undefined; readonly max?: number | undefined } = {}) {
    this.min = min;
    this.max = max;
  }

  /** The server said `retry:`. */
  setRetry(ms: number): void {
    this.min = Math.min(ms, 2 ** 30);
  }

  /** ms for which a stream has to stay open before the waits begin anew. */
  get stableAfter(): number {
    return Math.max(this.min, DEFAULT_MIN);
  }

  /**
   * Never below `retry:`, but for the first attempt after a stream that worked. Above it the jitter is full: clients that lost their
   * streams together spread over the whole range (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
   *
   * @param pace of the first attempt: at once, after the time that the server told, or after one that grows
   * @returns ms
   */
  next(pace: Pace): number {
    const { min } = this;
    if (this.failures++ === 0 && pace !== 'grow') return pace === 'now' ? 0 : min;
    const ceiling = Math.min(this.max, Math.max(min, SMALLEST_STEP) * 2 ** this.failures);
    return min + Math.random() * Math.max(0, ceiling - min);
  }
}
