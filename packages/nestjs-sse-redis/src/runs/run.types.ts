import type { RunEndState, RunState } from '../broker/run-store.interface.js';
import type { PipeSource } from '../publish/pipe-source.js';

export type { RunEndState, RunState } from '../broker/run-store.interface.js';

/**
 * Makes the source of a run: called once, in the process that owns the run, after the run was started.
 *
 * @param signal is aborted when the run is stopped, replaced or interrupted: hand it to what takes long
 */
export type RunSource = (signal: AbortSignal) => PipeSource | Promise<PipeSource>;

/** Options of `hub.run()`. */
export interface RunOptions {
  /**
   * What happens where the channel has a run that is going on, in whatever process. `'join'`: the source is not made, and the
   * result is that run. `'refuse'`: a `RunExistsError`. `'replace'`: that run is stopped, and this one begins. Default `'join'`.
   */
  readonly onExisting?: 'join' | 'refuse' | 'replace';
  /**
   * Puts strings that come within a time together into one event, so that a model's tokens cost few events: ms, or also how many.
   * Events with the same type whose data are strings are joined, too; others are not changed. The first goes out at once. Default: none are joined.
   */
  readonly batch?: number | RunBatch;
  /** For how long `hub.runOf()` knows how the run ended, ms. Default: as long as its events, which is `history.ttlAfterEnd` of the channel's definition, or `history.ttl`. */
  readonly retainAfterEnd?: number;
}

/** How items of a source are joined. */
export interface RunBatch {
  /** ms between two events. */
  readonly interval: number;
  /** The most items of one event; so many do not wait for the interval. Default: no limit but that of an event. */
  readonly items?: number;
}

/** A run as `hub.runOf()` tells it. */
export interface RunInfo {
  /** The id of its beginning: a stream or a history after it has the whole run. */
  readonly id: string;
  readonly channel: string;
  readonly state: RunState;
  /** The id of the node that owns it. */
  readonly node: string;
  /** ms since the epoch, by the clock of Redis. */
  readonly startedAt: number;
  /** Undefined while it is going on. */
  readonly endedAt: number | undefined;
}

/** How a run ended. */
export interface RunOutcome {
  /**
   * - `done`: its source gave all that it had
   * - `failed`: its source threw, or gave what cannot be published
   * - `stopped`: by `hub.stopRun()`, or by a run that replaced it
   * - `interrupted`: its process was shut down, died, or was away for so long that others took it for dead
   */
  readonly state: RunEndState;
  /** Of a run of this process that failed. */
  readonly error?: Error;
}

/** A run that was started, or joined. */
export interface Run {
  /** The id of its beginning: a stream or a history after it has the whole run. */
  readonly id: string;
  readonly channel: string;
  /** It was started by this call; else it was going on. */
  readonly isNew: boolean;
  /** Resolves when the run has ended, wherever it runs. Never rejects. */
  outcome(): Promise<RunOutcome>;
}
