import type { SseHub } from 'nestjs-sse-redis';
import { setTimeout as pause } from 'node:timers/promises';
import { PROBE } from './channels.js';

const PACE = 5;
/** After this long the measurement ends, also where every publish is refused. */
const PATIENCE = 15_000;

/** What publishing met with while something happened. */
export interface ProbeResult {
  /** The longest time in milliseconds without a publish that was acknowledged. */
  held: number;
  refused: number;
  published: number;
}

/** Publishes one small event after the other through this process, to measure what a publisher notices. */
export class PublishProbe {
  private readonly result: ProbeResult = { held: 0, refused: 0, published: 0 };
  private acknowledgedAt = performance.now();
  private stopping = false;
  private giveUpAt = Infinity;
  private readonly done: Promise<void>;

  constructor(private readonly hub: SseHub) {
    this.done = this.run();
  }

  /** Resolves when an event that is published from now on is acknowledged. */
  async stop(): Promise<ProbeResult> {
    this.stopping = true;
    this.giveUpAt = performance.now() + PATIENCE;
    await this.done;
    return { ...this.result, held: Math.round(this.result.held) };
  }

  private async run(): Promise<void> {
    for (;;) {
      const isLast = this.stopping;
      const isAcknowledged = await this.publish();
      if (isLast && (isAcknowledged || performance.now() > this.giveUpAt)) return;
      await pause(PACE);
    }
  }

  private async publish(): Promise<boolean> {
    const { result } = this;
    const isAcknowledged = await this.hub.publish(PROBE, { type: PROBE, data: result.published }).then(
      () => true,
      () => false,
    );
    const now = performance.now();
    result.held = Math.max(result.held, now - this.acknowledgedAt);
    if (isAcknowledged) {
      this.acknowledgedAt = now;
      result.published++;
    } else {
      result.refused++;
    }
    return isAcknowledged;
  }
}
