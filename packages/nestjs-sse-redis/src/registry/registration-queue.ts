import { setTimeout as delay } from 'node:timers/promises';
import type { Admission, NewConnection, Removal } from '../broker/registry-store.interface.js';
import type { Pause } from '../util/waits.js';

/** How many go in one round trip. */
const BATCH_SIZE = 256;
const RETRY_AFTER_MS = 250;
/** The least time from one batch to the next: a script costs a dozen commands, whatever it registers. */
const SPACING_MS = 20;

/** Where the queue's batches go. */
export interface RegistrationSink {
  registerBatch(connections: readonly NewConnection[]): Promise<Admission[]>;
  unregisterBatch(removals: readonly Removal[]): Promise<void>;
  update(connection: NewConnection): Promise<boolean>;
  /** Waits before what Redis did not take is sent again. */
  readonly pause: Pause;
}

interface Arrival {
  readonly connection: NewConnection;
  /** Since when it waits; by `performance.now()`. */
  readonly since: number;
  readonly resolve: (admission: Admission) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Arrivals, departures and changes of this process's connections on their way into the registry: what gathers while
 * one batch is on its way makes up the next. So commands do not grow with connections, and what is done to one
 * connection is done in order.
 */
export class RegistrationQueue {
  /** The connections that live in this process and were admitted. */
  readonly live = new Map<string, NewConnection>();
  /** How often something was put in. */
  changes = 0;
  /** The batches of departures that the registry has taken. */
  answers = 0;
  private arrivals: Arrival[] = [];
  private departures = new Map<string, string>();
  private updates: NewConnection[] = [];
  private running: Promise<void> | undefined;
  private closing = false;

  constructor(private readonly sink: RegistrationSink) {}

  get isBusy(): boolean {
    return this.running !== undefined;
  }

  register(connection: NewConnection): Promise<Admission> {
    return new Promise((resolve, reject) => {
      this.arrivals.push({ connection, since: performance.now(), resolve, reject });
      this.run();
    });
  }

  unregister(id: string, reason: string): void {
    this.live.delete(id);
    const waiting = this.arrivals.findIndex(({ connection }) => connection.id === id);
    // It was not even sent.
    if (waiting >= 0) this.arrivals.splice(waiting, 1)[0]!.resolve('admitted');
    else this.departures.set(id, reason);
    this.run();
  }

  update(connection: NewConnection): void {
    if (this.live.has(connection.id)) this.live.set(connection.id, connection);
    this.updates.push(connection);
    this.run();
  }

  /** The last of it: resolves when nothing waits any more, or Redis does not take it. */
  async settle(): Promise<void> {
    this.closing = true;
    await this.running;
  }

  private run(): void {
    this.changes++;
    this.running ??= this.drain();
  }

  private async drain(): Promise<void> {
    // All of this tick.
    await Promise.resolve();
    while (this.arrivals.length > 0 || this.departures.size > 0 || this.updates.length > 0) {
      const began = performance.now();
      // Who leaves makes room for who comes.
      const left = await this.sendDepartures();
      await this.sendArrivals();
      const updated = await this.sendUpdates();
      // What it does not take at the end goes with the lease.
      if (this.closing && !(left && updated)) break;
      const spacing = SPACING_MS - (performance.now() - began);
      if (!left || !updated) await this.sink.pause(RETRY_AFTER_MS);
      // Not unref'd: a process that is ending must not end in the midst of this.
      else if (spacing > 0) await delay(spacing);
    }
    // Together with the last look: what is put in a microtask later is to be sent by the next run.
    this.running = undefined;
  }

  private async sendArrivals(): Promise<void> {
    const batch = this.arrivals.splice(0, BATCH_SIZE);
    if (batch.length === 0) return;
    const began = performance.now();
    try {
      const admissions = await this.sink.registerBatch(batch.map(({ connection }) => connection));
      batch.forEach(({ connection, resolve }, i) => {
        const admission = admissions[i]!;
        if (admission === 'admitted' && !this.departures.has(connection.id))
          this.live.set(connection.id, connection);
        resolve(admission);
      });
    } catch (error) {
      for (const { connection, reject } of batch) {
        // It may have been registered all the same.
        this.departures.set(connection.id, 'refused');
        reject(error);
      }
      this.refuseWaiting(began, error);
    }
  }

  /** Redis may have refused for seconds. An arrival that has waited all the while gets the same answer now. */
  private refuseWaiting(since: number, error: unknown): void {
    const [waited, others] = [[] as Arrival[], [] as Arrival[]];
    for (const arrival of this.arrivals) (arrival.since <= since ? waited : others).push(arrival);
    this.arrivals = others;
    for (const { reject } of waited) reject(error);
  }

  /** Returns whether Redis took them. */
  private async sendDepartures(): Promise<boolean> {
    const batch = [...this.departures].slice(0, BATCH_SIZE);
    if (batch.length === 0) return true;
    try {
      await this.sink.unregisterBatch(batch.map(([id, reason]) => ({ id, reason })));
      for (const [id] of batch) this.departures.delete(id);
      this.answers++;
      return true;
    } catch {
      return false;
    }
  }

  private async sendUpdates(): Promise<boolean> {
    const batch = this.updates.slice(0, BATCH_SIZE);
    try {
      // In order: the second change of a connection comes after its first.
      await Promise.all(batch.map((connection) => this.sink.update(connection)));
      this.updates.splice(0, batch.length);
      return true;
    } catch {
      return false;
    }
  }
}
