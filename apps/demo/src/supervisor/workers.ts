import cluster, { type Worker } from 'node:cluster';
import type { ClusterNode, Failover, ProcessRow, ToSupervisor, ToWorker } from '../messages.js';
import { ProcessTable } from './process-table.js';

/** After a process that ended before it was ready the next one waits: what ailed it may pass. */
const AGAIN_AFTER = 1_000;
const STOP_TIMEOUT = 5_000;
/** Several changes at once (a death moves all its connections) are told together. */
const TELL_AFTER = 50;

export interface WorkersOptions {
  names: string[];
  env: Record<string, string>;
  /** What happens, for the terminal. */
  log(line: string): void;
  /** No process is up, and none gets there. */
  giveUp(): void;
  /** Where there is a private cluster: a page asks for it. */
  failOver?: (() => Promise<Failover>) | undefined;
}

/** Keeps one process alive in each place, and the table of them known to all. */
export class Workers {
  private readonly table = new ProcessTable();
  private readonly living = new Map<string, Worker>();
  private nodes: ClusterNode[] | undefined;
  private nodesChanged = false;
  private telling: NodeJS.Timeout | undefined;
  private failures = 0;
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

  /** Tells workers, and through one of them the pages, of the nodes of the cluster. */
  showCluster(nodes: ClusterNode[]): void {
    this.nodes = nodes;
    this.nodesChanged = true;
    this.tellSoon();
  }

  private fork(name: string): void {
    const worker = cluster.fork({
      ...this.options.env,
      WORKER_NAME: name,
      WORKER_GENERATION: this.next(name),
    });
    const { pid } = worker.process;
    this.living.set(name, worker);
    this.table.started(name, pid as number, Date.now());
    worker.on('message', (message: ToSupervisor) => this.hear(worker, message));
    worker.once('exit', (code, signal) => this.exited(name, pid as number, code, signal));
    // Writing to a process that has just died: its exit tells all there is to tell.
    worker.on('error', () => undefined);
    this.tellSoon();
  }

  private next(name: string): string {
    return String((this.table.rows.find((row) => row.name === name)?.generation ?? 0) + 1);
  }

  private hear(worker: Worker, message: ToSupervisor): void {
    const pid = worker.process.pid as number;
    if (message.kind === 'fail-over') return void this.failOver(worker);
    if (message.kind === 'kill') return this.kill(message.pid);
    if (message.kind === 'drain') return this.drain(message.pid);
    if (message.kind === 'connections') this.table.update(pid, { connections: message.connections });
    if (message.kind === 'ready') {
      this.failures = 0;
      this.table.update(pid, { state: 'up' });
      if (this.table.rows.every(({ state }) => state === 'up')) this.onReady?.();
    }
    this.tellSoon();
  }

  private async failOver(worker: Worker): Promise<void> {
    let answer: ToWorker;
    try {
      if (!this.options.failOver) throw new Error('There is no private cluster.');
      this.options.log('the master with the keys of the hub is failed over, as the page asked');
      const failover = await this.options.failOver();
      this.options.log(`port ${failover.to} has taken over from port ${failover.from}`);
      answer = { kind: 'failed-over', failover };
    } catch (error) {
      answer = { kind: 'not-failed-over', reason: error instanceof Error ? error.message : String(error) };
    }
    this.send(worker, answer);
  }

  private drain(pid: number): void {
    const row = this.own(pid);
    if (!row) return;
    this.options.log(`${row.name} (pid ${pid}) gets SIGTERM, as the page asked: it hands its clients over`);
    this.table.update(pid, { state: 'draining' });
    this.living.get(row.name)?.process.kill('SIGTERM');
    this.tellSoon();
  }

  /** Only processes of our own: the number comes from a web page. */
  private own(pid: number): ProcessRow | undefined {
    return this.table.rows.find((row) => row.pid === pid && this.living.has(row.name));
  }

  private kill(pid: number): void {
    const row = this.own(pid);
    if (!row) return;
    this.options.log(`${row.name} (pid ${pid}) gets SIGKILL, as the page asked`);
    this.living.get(row.name)?.process.kill('SIGKILL');
  }

  private exited(name: string, pid: number, code: number, signal: string | null): void {
    this.living.delete(name);
    // By itself, that is: whoever presses "kill" on a process that has just been started may go on doing so.
    const failed =
      signal === null && this.table.rows.some((row) => row.pid === pid && row.state === 'starting');
    this.table.update(pid, { state: 'down', connections: 0 });
    if (this.stopping) return;
    this.tellSoon();
    if (failed) this.failures++;
    if (this.failures >= this.options.names.length && this.table.publisher === undefined) {
      return this.options.giveUp();
    }
    this.options.log(
      `${name} (pid ${pid}) ended: ${signal ?? `exit code ${code}`}; another one takes its place`,
    );
    setTimeout(() => this.replace(name), failed ? AGAIN_AFTER : 0);
  }

  private replace(name: string): void {
    if (!this.stopping) this.fork(name);
  }

  private tellSoon(): void {
    this.telling ??= setTimeout(() => this.tell(), TELL_AFTER);
  }

  private tell(): void {
    this.telling = undefined;
    const { nodes, nodesChanged } = this;
    const { rows, publisher } = this.table;
    for (const worker of this.living.values()) {
      const isPublisher = worker.process.pid === publisher;
      this.send(worker, { kind: 'table', rows, publisher: isPublisher });
      if (nodes) this.send(worker, { kind: 'cluster', nodes, publisher: isPublisher && nodesChanged });
    }
    if (publisher !== undefined) this.nodesChanged = false;
  }

  private send(worker: Worker, message: ToWorker): void {
    if (worker.isConnected()) worker.send(message, () => undefined);
  }
}
