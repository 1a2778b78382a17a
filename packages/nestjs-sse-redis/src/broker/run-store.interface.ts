import type { LogHistory } from './log-history.interface.js';
import type { RunEndState } from '../errors/run-ended.error.js';

export type { RunEndState };

/** Whether a run goes on, or how it ended. */
export type RunState = 'running' | RunEndState;

/** A run as the broker knows it. */
export interface StoredRun {
  /** The id of the event with which it began: its own events have later ones. */
  readonly id: string;
  /** The node that owns it. */
  readonly node: string;
  readonly state: RunState;
  /** ms since the epoch, by the clock of the broker. */
  readonly startedAt: number;
  /** Undefined while it is running. */
  readonly endedAt: number | undefined;
}

/** What an event of a run is sent with: it is stored only if the run is the channel's newest and is running. */
export interface RunFence {
  /** The id of the run. */
  readonly id: string;
  readonly node: string;
  /**
   * The number of the event in its run, from 1 on: one that is stored already is not stored again, so that an owner may
   * repeat what was not answered. 0: the end, by another node.
   */
  readonly sequence: number;
  /** The number of the last event that the owner knows to be stored. */
  readonly base: number;
  /** Of the last event. */
  readonly end?: RunEnd | undefined;
}

/** What the last event of a run makes of it. */
export interface RunEnd {
  readonly state: RunEndState;
  /** How long the run is remembered, ms. */
  readonly retain: number;
}

/** What the log of a channel keeps while a run is written to it. */
export interface RunHistory extends LogHistory {
  readonly maxLength: number;
}

/** A run that is to be started. */
export interface RunStart {
  readonly channel: string;
  readonly node: string;
  /** Names the call: repeated with the same one it starts nothing more. */
  readonly token: string;
  /** What the channel's log keeps. */
  readonly history: RunHistory;
  /** The run that it replaces, if that is still the channel's newest: it is ended first, in the same step. */
  readonly replaced?: { readonly id: string; readonly end: RunEnd; readonly text: string } | undefined;
}

/** The outcome of a start: the new run, or the one that is running and was in its way. */
export interface StartedRun {
  readonly isNew: boolean;
  readonly run: StoredRun;
}

/**
 * The runs of channels, each in the data set of its channel. A channel has one run at a time.
 *
 * All of it rejects with a `RedisUnavailableError` where Redis cannot be reached, or `RedisRefusedError`.
 */
export interface RunStore {
  /** Starts a run unless one is running. The step that starts it puts an event into the log that no client sees. */
  start(start: RunStart): Promise<StartedRun>;
  /** The newest run of a channel, while it is remembered. */
  get(channel: string): Promise<StoredRun | undefined>;
}
