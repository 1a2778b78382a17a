// From `node:timers`, because Jest's fake timers replace only the globals.
import { clearInterval, setInterval } from 'node:timers';
import { threadTime } from './thread-time.js';

const TICK_MS = 10;
/** A tick that comes later than this was not late by itself: the thread had no processor. */
const LATE_MS = 50;

/**
 * Measures how long something takes that has a bound in time, on a machine that has other things to do.
 *
 * Time in which this thread did not get to run at all does not count: a virtual machine that stands still for two
 * seconds makes nothing slow that is measured here, but every timer of every process late. What is waited for with
 * an idle event loop counts in full.
 */
export class Stopwatch {
  #elapsed = 0;
  #longestStandstill = 0;
  #last = performance.now();
  #cpu = threadTime();
  #isStopped = false;
  readonly #timer = setInterval(() => this.#tick(), TICK_MS);

  static start(): Stopwatch {
    return new Stopwatch();
  }

  private constructor() {
    this.#timer.unref();
  }

  /** ms since the start in which this thread ran. */
  get elapsed(): number {
    this.#tick();
    return this.#elapsed;
  }

  /** The longest time in which it did not, in ms. */
  get longestStandstill(): number {
    this.#tick();
    return this.#longestStandstill;
  }

  /** Stops it, and returns what has elapsed. */
  stop(): number {
    const { elapsed } = this;
    clearInterval(this.#timer);
    this.#isStopped = true;
    return elapsed;
  }

  #tick(): void {
    if (this.#isStopped) return;
    const now = performance.now();
    const gap = now - this.#last;
    this.#last = now;
    const cpu = threadTime();
    // What kept it busy itself counts in full.
    const ran = Math.min(gap, Math.max(LATE_MS, cpu - this.#cpu));
    this.#cpu = cpu;
    this.#elapsed += ran;
    if (gap - ran > LATE_MS) this.#longestStandstill = Math.max(this.#longestStandstill, gap - ran);
  }
}
