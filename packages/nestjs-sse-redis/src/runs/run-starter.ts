import { randomBytes } from 'node:crypto';
import type { RunEndState, StartedRun, StoredRun } from '../broker/run-store.interface.js';
import { RunExistsError } from '../errors/run-exists.error.js';
import type { RunCluster } from './run-cluster.interface.js';
import { formatRunEnd } from './run-events.js';
import type { ResolvedRunOptions } from './run-options.js';
import type { StoredRuns } from './stored-runs.js';

/** The outcome of a start, and the run that it replaced. */
export interface StartOutcome extends StartedRun {
  readonly replaced: StoredRun | undefined;
}

interface Replaced {
  readonly run: StoredRun;
  readonly state: RunEndState;
}

/** Starts runs: of all that start one on a channel at once, in whatever process, one does. */
export class RunStarter {
  constructor(
    private readonly nodeId: string,
    private readonly cluster: RunCluster,
    private readonly stored: StoredRuns,
  ) {}

  /** @throws RunExistsError | RedisUnavailableError | RedisRefusedError */
  async startOrFind(channel: string, { onExisting, retain }: ResolvedRunOptions): Promise<StartOutcome> {
    const token = randomBytes(9).toString('base64url');
    let replaced: Replaced | undefined;
    for (;;) {
      const started = await this.start(channel, token, replaced, retain);
      if (started.isNew) return { ...started, replaced: replaced?.run };
      const { run } = started;
      if (!(await this.stored.isOwned(channel, run, 1))) replaced = { run, state: 'interrupted' };
      else if (onExisting === 'join') return { ...started, replaced: undefined };
      else if (onExisting === 'replace') replaced = { run, state: 'stopped' };
      else throw exists(channel, run.id);
    }
  }

  private start(
    channel: string,
    token: string,
    replaced: Replaced | undefined,
    retain: number,
  ): Promise<StartedRun> {
    return this.cluster.store(channel).start({
      channel,
      node: this.nodeId,
      token,
      history: this.cluster.historyOf(channel),
      replaced: replaced && {
        id: replaced.run.id,
        end: { state: replaced.state, retain },
        text: formatRunEnd(channel, replaced.run.id, replaced.state),
      },
    });
  }
}

function exists(channel: string, id: string): RunExistsError {
  return new RunExistsError(
    `Channel ${JSON.stringify(channel)} has a run that is going on (${id}). Stop it with hub.stopRun(), or choose onExisting: 'join' or 'replace'.`,
    id,
  );
}
