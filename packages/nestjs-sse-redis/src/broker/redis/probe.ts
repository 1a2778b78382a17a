import { Logger } from '@nestjs/common';
import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Proves that what is published arrives, by publishing to the node itself.
 *
 * A subscriber connection can be up and deaf (after a failover, or half-open): commands answer, publishes succeed,
 * nothing arrives. Only an announcement that came back the whole way shows that others do.
 */
export class Probe {
  private readonly logger = new Logger('SseRedisProbe');
  private timer: NodeJS.Timeout | undefined;
  private unanswered = false;

  /**
   * @param send publishes the probe; rejects if it was not published
   * @param deaf called once, when a published probe has not come back within the interval; the probe then rests
   * @param interval ms
   */
  constructor(
    private readonly send: () => Promise<unknown>,
    private readonly deaf: () => void,
    private readonly interval: number,
  ) {}

  start(): void {
    this.stop();
    this.unanswered = false;
    this.timer = setInterval(() => void this.tick(), this.interval);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** The probe came back. */
  returned(): void {
    this.unanswered = false;
  }

  private async tick(): Promise<void> {
    if (this.unanswered) {
      // After an event loop that was blocked timers come first: what has arrived must be read before it is missed.
      await nextTurn();
    }
    if (this.unanswered) {
      // `start()` is called again when there is a new subscription to prove.
      this.stop();
      this.logger.warn(`Published events did not arrive for ${this.interval} ms: subscribing anew.`);
      this.deaf();
      return;
    }
    this.unanswered = true;
    try {
      await this.send();
    } catch {
      // Not published, or perhaps not: its absence proves nothing.
      this.unanswered = false;
    }
  }
}
