import { Logger } from '../util/logger.js';
import type { RunEndState, StoredRun } from '../broker/run-store.interface.js';
import { RunEndedError } from '../errors/run-ended.error.js';
import type { WriterHost } from './run-writer.js';
import { toRunEnd } from './run-events.js';
import type { RunCluster } from './run-cluster.interface.js';
import type { RunInfo } from './run.types.js';

/** The runs of this process, as far as others must know of them. */
export interface OwnRuns {
  has(id: string): boolean;
  /** How many calls are about to start a run of a channel. */
  countStarting(channel: string): number;
}

/** Runs as they are stored, of whatever process, and their ends where that process is dead or does not hear. */
export class StoredRuns {
  private readonly logger = new Logger('SseHub');

  constructor(
    private readonly host: Pick<WriterHost, 'nodeId' | 'send'>,
    private readonly cluster: RunCluster,
    private readonly own: OwnRuns,
  ) {}

  /** The newest run of a channel, while it is remembered. One whose process is dead is ended. */
  async find(channel: string): Promise<RunInfo | undefined> {
    const run = await this.cluster.store(channel).get(channel);
    if (!run) return undefined;
    if (run.state !== 'running' || (await this.isOwned(channel, run, 0))) return toInfo(channel, run);
    await this.end(channel, run, 'interrupted');
    const ended = await this.cluster.store(channel).get(channel);
    return ended && toInfo(channel, ended);
  }

  /**
   * Whether the process of a run lives, and knows of it.
   *
   * @param ownCalls how many of the calls that are about to start a run are the caller's
   */
  async isOwned(channel: string, { node, id }: StoredRun, ownCalls: number): Promise<boolean> {
    if (node !== this.host.nodeId) return this.cluster.mayLive(node);
    return this.own.has(id) || this.own.countStarting(channel) > ownCalls;
  }

  /** Ends a run for its process. @throws RedisUnavailableError | RedisRefusedError */
  async end(channel: string, { id, node }: StoredRun, state: RunEndState): Promise<void> {
    const fence = { id, node, sequence: 0, base: 0, end: { state, retain: this.cluster.retainOf(channel) } };
    const [outcome] = await this.host.send([toRunEnd(channel, fence)]);
    // It was over before.
    if ('error' in outcome! && !(outcome.error instanceof RunEndedError)) throw outcome.error;
  }

  /**
   * Ends runs that a node left.
   *
   * @returns the channels whose runs are over
   */
  async endLeft(node: string, channels: readonly string[]): Promise<string[]> {
    const over = channels.map(async (channel) => {
      try {
        const run = await this.cluster.store(channel).get(channel);
        if (run?.state === 'running' && run.node === node) await this.end(channel, run, 'interrupted');
        return [channel];
      } catch (error) {
        const { message } = error as Error;
        this.logger.debug(`Could not end the run of ${JSON.stringify(channel)}: ${message}`);
        return [];
      }
    });
    return (await Promise.all(over)).flat();
  }
}

/** A clock may be set back while a run goes on: an application may take the difference for how long it took. */
function toInfo(channel: string, run: StoredRun): RunInfo {
  const { startedAt, endedAt } = run;
  return { ...run, channel, endedAt: endedAt === undefined ? undefined : Math.max(startedAt, endedAt) };
}
