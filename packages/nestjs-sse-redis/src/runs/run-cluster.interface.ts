import type { RunHistory, RunStore } from '../broker/run-store.interface.js';
import type { RunSources } from './joined-run.js';

/** The processes of the hub and their data sets, as far as runs need them. */
export interface RunCluster {
  /** The runs of a channel's data set. */
  store(channel: string): RunStore;
  /** What the log of a channel keeps while a run is written to it. */
  historyOf(channel: string): RunHistory;
  /** For how long the log is kept after the end of a run, and the run is remembered unless its options say it; ms. */
  retainOf(channel: string): number;
  /** What is asked about a run of another process. */
  sources(channel: string, id: string): Omit<RunSources, 'find'>;
  /** Whether a process lives, by its lease; where that cannot be said, it counts as one that does. */
  mayLive(node: string): Promise<boolean>;
  /** Asks a process to end a run, by its id. Resolves to whether it did. */
  askToStop(node: string, id: string): Promise<boolean>;
  /** Notes that this process owns the run of a channel. @throws RedisUnavailableError */
  claim(channel: string): Promise<void>;
  release(channel: string): Promise<void>;
}
