import cluster, { type Worker } from 'node:cluster';
import type { ToSupervisor, ToWorker } from '../messages.js';
import { ProcessTable } from './process-table.js';

/** A process that lived less was never of use: the next attempt in its place waits, longer each time. */
const STILLBORN = 1_000;
const MAX_STILLBORN = 5;
const STOP_TIMEOUT = 5_000;
/** Several changes at once (a death moves all its connections) are told together. */
const TELL_AFTER = 50;

export interface WorkersOptions {
  names: string[];
  env: Record<string, string>;
  /** What happens, for the terminal. */
  log(line: string): void;
  /** Processes keep dying before they are ready. */
  giveUp(): void;
}

/** Keeps one process alive in each place, and the table of them known to all. */
export class Workers {
  private readonly table = new ProcessTable();
  private readonly living = new Map<string, Worker>();
  private telling: NodeJS.Timeout | undefined;
  private stillborn = 0;
  private stopping = false;
  private onReady: (() => void) | undefined;

  constructor(private readonly options: WorkersOptions) {}

  /** Resolves when every place has a process that listens. */
  start(): Promise<void> {
    cluster.schedulingPolicy = cluster.SCHED_RR;
    for (const name of this.options.names) this.fork(name);
    return new Promise((resolve) => (this.onReady = resolve));
  }

  /** Asks all to hand their clients over and end, and does not ask for ever. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.telling);
    const ended = [...this.living.values()].map(
      (worker) => new Promise<void>((resolve) => worker.once('exit', () => resolve())),
    );
    this.signal('SIGTERM');
    const force = setTimeout(() => this.signal('SIGKILL'), STOP_TIMEOUT);
    await Promise.all(ended);
    clearTimeout(force);
  }

  signal(signal: NodeJS.Signals): void {
    for (const worker of this.living.values()) worker.process.kill(signal);
  }

  private fork(name: string): void {
    const worker = cluster.fork({ ...this.options.env, WORKER_NAME: name, WORKER_GENERATION: this.next(name) });
    const { pid } = worker.process;
    this.living.set(name, worker);
    this.table.started(name, pid as number, Date.now());
    worker.on('message', (message: ToSupervisor) => this.hear(pid as number, message));
    worker.once('exit', (code, signal) => this.exited(name, pid as number, signal ?? `exit code ${code}`));
    // Writing to a process that has just died: its exit tells all there is to tell.
    worker.on('error', () => undefined);
    this.tellSoon();
  }

  private next(name: string): string {
    return String((this.table.rows.find((row) => row.name === name)?.generation ?? 0) + 1);
  }

  private hear(pid: number, message: ToSupervisor): void {
    if (message.kind === 'kill') return this.kill(message.pid);
    if (message.kind === 'connections') this.table.update(pid, { connections: message.connections });
    if (message.kind === 'ready') {
      this.stillborn = 0;
      this.table.update(pid, { state: 'up' });
      if (this.table.rows.every(({ state }) => state === 'up')) this.onReady?.();
    }
    this.tellSoon();
  }

  /** Only processes of our own: the number comes from a web page. */
  private kill(pid: number): void {
    const row = this.table.rows.find((row) => row.pid === pid && this.living.has(row.name));
    if (!row) return;
    this.options.log(`${row.name} (pid ${pid}) gets SIGKILL, as the page asked`);
    this.living.get(row.name)?.process.kill('SIGKILL');
  }

  private exited(name: string, pid: number, how: string): void {
    this.living.delete(name);
    const row = this.table.rows.find((row) => row.pid === pid);
    const early = row?.state === 'starting' && Date.now() - row.since < STILLBORN;
    this.table.update(pid, { state: 'down', connections: 0 });
    if (this.stopping) return;
    this.tellSoon();
    this.stillborn += early ? 1 : 0;
    if (this.stillborn >= MAX_STILLBORN) return this.options.giveUp();
    this.options.log(`${name} (pid ${pid}) ended: ${how}; another one takes its place`);
    setTimeout(() => this.replace(name), early ? 250 * 2 ** this.stillborn : 0);
  }

  private replace(name: string): void {
    if (!this.stopping) this.fork(name);
  }

  private tellSoon(): void {
    this.telling ??= setTimeout(() => this.tell(), TELL_AFTER);
  }

  private tell(): void {
    this.telling = undefined;
    const { rows, publisher } = this.table;
    for (const worker of this.living.values()) {
      const message: ToWorker = { kind: 'table', rows, publisher: worker.process.pid === publisher };
      if (worker.isConnected()) worker.send(message, () => undefined);
    }
  }
}
