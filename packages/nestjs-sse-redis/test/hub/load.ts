import { until } from '@nestjs-sse-redis/testing';
import { setTimeout as wait } from 'node:timers/promises';
import type { Hubs, TestHub } from './hubs.js';

const PAUSE_MS = 10;

/** Publishes numbers, each once, until it is stopped, and notes which were acknowledged. A publish may fail meanwhile. */
export class Load {
  /** The numbers, and the id of each. */
  readonly acknowledged = new Map<number, string>();
  /** When the last publish was acknowledged, in ms of `performance.now()`. */
  acknowledgedAt = 0;
  private readonly ended = new AbortController();
  private readonly running: Promise<void>;

  /** @param first the first number */
  constructor(hubs: Hubs, node: TestHub, first = 0) {
    this.running = this.run(node, first);
    hubs.closeLater(() => this.stop());
  }

  /** Resolves when as many more were acknowledged. */
  async more(count: number): Promise<void> {
    const target = this.acknowledged.size + count;
    await until(() => this.acknowledged.size >= target);
  }

  async stop(): Promise<void> {
    this.ended.abort();
    await this.running;
  }

  private async run({ hub }: TestHub, first: number): Promise<void> {
    for (let data = first; !this.ended.signal.aborted; data++) {
      try {
        const { id } = await hub.publish('news', { type: 'load', data });
        this.acknowledged.set(data, id);
        this.acknowledgedAt = performance.now();
      } catch {
        // What became of it, the log shows.
      }
      await wait(PAUSE_MS);
    }
  }
}
