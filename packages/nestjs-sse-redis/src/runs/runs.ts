import { Logger } from '../util/logger.js';
import { DrainingError } from '../errors/draining.error.js';
import { RedisUnavailableError } from '../errors/redis-unavailable.error.js';
import type { Position } from '../event/position.js';
import { backOffTime } from '../util/back-off.js';
import { stackOf } from '../util/stack-of.js';
import { withinTime } from '../util/within-time.js';
import { awaitEnd, findEnd } from './joined-run.js';
import { LiveRun, type RunHost } from './live-run.js';
import type { RunCluster } from './run-cluster.interface.js';
import type { ResolvedRunOptions } from './run-options.js';
import { RunStarter } from './run-starter.js';
import type { Run, RunInfo, RunOutcome, RunSource } from './run.types.js';
import { StoredRuns, type OwnRuns } from './stored-runs.js';

const logger = new Logger('SseHub');

export interface RunsOptions {
  /** How long a start or a stop may take, ms. */
  readonly publishTimeout: number;
  /** For how long events are kept, ms. */
  readonly ttl: number;
}

/** The end of a run in its channel. */
export interface RunEndPlace {
  readonly channel: string;
  readonly position: Position;
}

/** The runs of this process, and its part in those of others. */
export class Runs implements OwnRuns {
  /** By their ids: one that was replaced may be about to end beside its successor. */
  private readonly live = new Map<string, LiveRun>();
  private readonly starting = new Map<string, number>();
  private readonly starts = new Set<Promise<Run>>();
  /** Channels with a start of which it is not known whether it was done. */
  private readonly unclear = new Set<string>();
  private readonly stored: StoredRuns;
  private readonly starter: RunStarter;
  private isDraining = false;
  /** Where channels of this process ended while it was being closed. */
  private readonly ends: RunEndPlace[] = [];

  constructor(
    private readonly host: RunHost,
    private readonly cluster: RunCluster,
    private readonly options: RunsOptions,
  ) {
    this.stored = new StoredRuns(host, cluster, this);
    this.starter = new RunStarter(host.nodeId, cluster, this.stored);
  }

  get size(): number {
    return this.live.size;
  }

  /** For how long the run of a channel is remembered after its end unless its options say it, ms. */
  retainOf(channel: string): number {
    return this.cluster.retainOf(channel);
  }

  has(id: string): boolean {
    return this.live.has(id);
  }

  countStarting(channel: string): number {
    return this.starting.get(channel) ?? 0;
  }

  /** @throws as `hub.run()` */
  async run(channel: string, source: RunSource, options: ResolvedRunOptions): Promise<Run> {
    if (this.isDraining) throw draining();
    this.starting.set(channel, this.countStarting(channel) + 1);
    const starting = this.startOrJoin(channel, source, options);
    this.starts.add(starting);
    try {
      return await starting;
    } catch (error) {
      // Redis did not say whether it was done.
      if (error instanceof RedisUnavailableError) void this.cleanUp(channel);
      throw error;
    } finally {
      this.starts.delete(starting);
      const others = this.countStarting(channel) - 1;
      if (others > 0) this.starting.set(channel, others);
      else this.starting.delete(channel);
      void this.release(channel);
    }
  }

  private async startOrJoin(channel: string, source: RunSource, options: ResolvedRunOptions): Promise<Run> {
    await this.cluster.claim(channel);
    const { isNew, run, replaced } = await this.starter.startOrFind(channel, options);
    if (!isNew) return this.join(channel, run.id);
    if (replaced) void this.tellReplaced(replaced);
    if (!this.isDraining) return this.begin(channel, run.id, source, options);
    // The process began to shut down meanwhile: no source is made.
    await this.stored.end(channel, run, 'interrupted');
    throw draining();
  }

  /** @throws RedisUnavailableError | RedisRefusedError @returns whether a run was going on */
  async stop(channel: string): Promise<boolean> {
    const run = await this.stored.find(channel);
    if (run?.state !== 'running') return false;
    const own = this.stopHere(run.id);
    if (own) {
      if (await withinTime(own, this.options.publishTimeout)) return true;
      throw new RedisUnavailableError(
        `The run of channel ${JSON.stringify(channel)} is stopped, but its end is not stored yet: Redis does not answer. The hub stores it by itself.`,
      );
    }
    // Where its process does not hear, the fence keeps it from storing more.
    if (!(await this.cluster.askToStop(run.node, run.id))) await this.stored.end(channel, run, 'stopped');
    return true;
  }

  /** @returns when it has ended; undefined if this process does not have it */
  stopHere(id: string): Promise<RunOutcome> | undefined {
    return this.live.get(id)?.stop('stopped');
  }

  /** @throws RedisUnavailableError | RedisRefusedError */
  find(channel: string): Promise<RunInfo | undefined> {
    return this.stored.find(channel);
  }

  endLeft(node: string, channels: readonly string[]): Promise<string[]> {
    return this.stored.endLeft(node, channels);
  }

  /**
   * Resolves when it is known which runs others ended while this process had no lease.
   *
   * @param lapse for how long it had none, ms
   */
  async confirm(lapse: number): Promise<void> {
    await Promise.all([...this.live.values()].map((run) => this.confirmOne(run, lapse)));
  }

  /** Waits until all runs have ended by themselves. No run begins from now on. @param patience ms */
  async settle(patience: number): Promise<void> {
    this.isDraining = true;
    if (patience > 0 && this.size > 0) await withinTime(this.allEnded(), patience);
  }

  /** Ends all runs. @param timeout ms in which their ends are stored @returns the ends since `settle()` was called */
  async interrupt(timeout: number): Promise<readonly RunEndPlace[]> {
    if (this.starts.size > 0) await withinTime(Promise.allSettled(this.starts), timeout);
    if (this.size === 0) return this.ends;
    logger.warn(`Interrupting ${this.size} runs: the application is being closed.`);
    for (const run of this.live.values()) void run.stop('interrupted');
    await withinTime(this.allEnded(), timeout);
    for (const run of this.live.values()) run.giveUp();
    return this.ends;
  }

  private allEnded(): Promise<unknown> {
    return Promise.all([...this.live.values()].map(({ ended }) => ended));
  }

  private begin(channel: string, id: string, source: RunSource, options: ResolvedRunOptions): Run {
    const run = new LiveRun(id, channel, source, options, this.host);
    this.live.set(id, run);
    const label = `run of channel ${JSON.stringify(channel)}`;
    run.onFailed = (error) => logger.error(`The ${label} failed.`, stackOf(error.cause ?? error));
    void run.ended.then(({ state, error }) => {
      if (error && state !== 'failed')
        logger.error(`The end of the ${label} was not stored.`, stackOf(error.cause ?? error));
      this.live.delete(id);
      if (this.isDraining && run.endPosition !== undefined)
        this.ends.push({ channel, position: run.endPosition });
      // A sweep by another process ends a run whose end is not stored.
      if (run.isEndStored) void this.release(channel);
    });
    return { id, channel, isNew: true, outcome: () => this.outcomeOf(run) };
  }

  /** Of several that replaced one another the script remembers the last one alone, and the log has the ends of all. */
  private async outcomeOf(run: LiveRun): Promise<RunOutcome> {
    const outcome = await run.ended;
    if (outcome.state !== 'interrupted' || run.endPosition !== undefined) return outcome;
    const logged = await findEnd(run.id, this.cluster.sources(run.channel, run.id)).catch(() => undefined);
    return logged ?? outcome;
  }

  private join(channel: string, id: string): Run {
    const own = this.live.get(id);
    const outcome = (): Promise<RunOutcome> =>
      own
        ? this.outcomeOf(own)
        : awaitEnd(id, { ...this.cluster.sources(channel, id), find: () => this.find(channel) });
    return { id, channel, isNew: false, outcome };
  }

  /** Its process would find out by the fence, with the next token. */
  private async tellReplaced({ node, id }: { readonly node: string; readonly id: string }) {
    if (this.stopHere(id)) return;
    await this.cluster.askToStop(node, id).catch(() => false);
  }

  private async confirmOne(run: LiveRun, lapse: number): Promise<void> {
    const { channel, id } = run;
    // Others' ends are remembered for so long: then Redis has lost its data, and the run goes on with its next event.
    const mayBeLost = lapse < this.options.ttl;
    for (let attempt = 0; this.has(id); attempt++) {
      try {
        const stored = await this.cluster.store(channel).get(channel);
        const isOver = stored ? stored.id !== id || stored.state !== 'running' : !mayBeLost;
        if (isOver) return run.cut();
        return await this.cluster.claim(channel);
      } catch {
        await this.host.pauseOf(channel)(backOffTime(attempt));
      }
    }
  }

  /** A start that failed may have been done all the same: its run is ended, unless a later call has found it. */
  private async cleanUp(channel: string): Promise<void> {
    if (this.unclear.has(channel)) return;
    this.unclear.add(channel);
    for (let attempt = 0; !this.isDraining; attempt++) {
      await this.host.pauseOf(channel)(backOffTime(attempt));
      if (this.isRunning(channel)) break;
      if ((await this.endLeft(this.host.nodeId, [channel])).length > 0) break;
    }
    this.unclear.delete(channel);
    await this.release(channel);
  }

  private async release(channel: string): Promise<void> {
    // A sweep finds what is left, and that it is over.
    if (!this.isBusy(channel)) await this.cluster.release(channel).catch(() => undefined);
  }

  private isBusy(channel: string): boolean {
    return this.unclear.has(channel) || this.isRunning(channel);
  }

  private isRunning(channel: string): boolean {
    if (this.starting.has(channel)) return true;
    return [...this.live.values()].some((run) => run.channel === channel);
  }
}

function draining(): DrainingError {
  return new DrainingError('This process is being shut down and starts no run. Start it in another one.');
}
