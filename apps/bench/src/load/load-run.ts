import { setTimeout as pause } from 'node:timers/promises';
import { now } from '../event/payload.js';
import { percentile } from '../report/statistics.js';
import { LoadClient } from './load-client.js';
import type { Tally } from './stream-verifier.js';

export interface ConnectPlan {
  /** Clients are dealt out to these in turn. */
  readonly ports: number[];
  readonly session: string;
  /** How many more. */
  readonly clients: number;
  /** Of all of the session the first few stall. */
  readonly stalled: number;
  /** How many channels each is on. */
  readonly channelsEach: number;
  /** All on the same ones, or each on its own. */
  readonly together: boolean;
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** How many connection attempts are under way at once: a listening socket's queue is finite. */
const AT_ONCE = 100;

/** All clients of one session, and what they have received. */
export class LoadRun {
  private readonly tally: Tally = { size: 0, deliveries: 0, live: 0, onTime: undefined };
  private clients: LoadClient[] = [];
  /** That no client is on. */
  private nextChannel = 0;
  private latencies: number[] = [];
  private failure: Error | undefined;

  async connect(plan: ConnectPlan): Promise<void> {
    let left = plan.clients;
    const connectOneByOne = async (): Promise<void> => {
      while (left-- > 0) {
        const client = this.client(plan);
        this.clients.push(client);
        await client.opened;
      }
    };
    await this.orFailure(Promise.all(Array.from({ length: AT_ONCE }, connectOneByOne)));
  }

  /** What is to come next is of this size. */
  expectSize(bytes: number): void {
    this.tally.size = bytes;
  }

  /** Channels of clients that are known to receive. */
  get live(): number {
    this.throwFailure();
    return this.tally.live;
  }

  get deliveries(): number {
    this.throwFailure();
    return this.tally.deliveries;
  }

  async untilDelivered(target: number, timeout: number): Promise<number> {
    const deadline = performance.now() + timeout;
    while (this.deliveries < target) {
      if (performance.now() > deadline) {
        throw new Error(
          `${target - this.deliveries} of ${target} deliveries are missing after ${timeout} ms`,
        );
      }
      await pause(1);
    }
    return this.deliveries;
  }

  /** Waits until each client that reads is at the last event of its channels; gives the deliveries so far. */
  async untilComplete(last: readonly number[], timeout: number): Promise<number> {
    const deadline = performance.now() + timeout;
    for (;;) {
      try {
        this.assertComplete(last);
        return this.deliveries;
      } catch (error) {
        this.throwFailure();
        if (performance.now() > deadline) throw error;
        await pause(20);
      }
    }
  }

  timeEvents(): void {
    this.latencies = [];
    this.tally.onTime = (published) => this.latencies.push(now() - published);
  }

  /** In milliseconds, of all deliveries since `timeEvents()`. */
  latency(): Latency {
    this.tally.onTime = undefined;
    const sorted = Float64Array.from(this.latencies).sort();
    return { p50: percentile(sorted, 0.5) / 1000, p99: percentile(sorted, 0.99) / 1000 };
  }

  /** Throws unless each client that reads has got everything. */
  async verify(last: readonly number[]): Promise<void> {
    await pause(20); // for what comes twice
    this.throwFailure();
    this.assertComplete(last);
  }

  close(): void {
    for (const client of this.clients) client.close();
    this.clients = [];
  }

  private assertComplete(last: readonly number[]): void {
    for (const { verifier, options } of this.clients) if (!options.stalls) verifier.assertComplete(last);
  }

  private client({ ports, session, channelsEach, together, stalled }: ConnectPlan): LoadClient {
    const index = this.clients.length;
    const options = {
      port: ports[index % ports.length] as number,
      session,
      from: together ? 0 : this.nextChannel,
      count: channelsEach,
      stalls: index < stalled,
    };
    this.nextChannel += channelsEach;
    return new LoadClient(options, this.tally, (error) => (this.failure ??= error));
  }

  private async orFailure(work: Promise<unknown>): Promise<void> {
    let done = false;
    const watch = async (): Promise<void> => {
      const deadline = performance.now() + 60_000;
      while (!done) {
        this.throwFailure();
        if (performance.now() > deadline) throw new Error('connections are not answered within 60 s');
        await pause(5);
      }
    };
    await Promise.race([work.then(() => (done = true)), watch()]);
    done = true;
  }

  private throwFailure(): void {
    if (this.failure) throw this.failure;
  }
}
