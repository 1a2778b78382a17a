import type { RunOptions } from '../runs/run.types.js';
import type { BrokenEnding } from './chunk-protocol.interface.js';

/** Options of `@UiMessageRun()` and `@ChatCompletionRun()`. */
export interface AiRunOptions extends RunOptions {
  /**
   * What a `POST` does where the channel has a run that is going on. Default `'replace'`: a new question stops the answer to the one
   * before, since `stop()` of a chat client only disconnects. `'join'` would stream the old answer to it.
   */
  readonly onExisting?: NonNullable<RunOptions['onExisting']>;
  /** For how long chunks gather before they are stored as one event, ms, or also how many. None is changed. Default 50. */
  readonly batch?: NonNullable<RunOptions['batch']>;
  /** What people are shown where an answer is not whole, such as `chat.error.message`. Default: English sentences. */
  readonly texts?: Partial<Record<BrokenEnding, string>>;
}

const TEXTS: Readonly<Record<BrokenEnding, string>> = {
  failed: 'The answer failed. Ask again.',
  stopped: 'The answer was stopped.',
  interrupted: 'The answer was interrupted. Ask again.',
  gap: 'Part of the answer is missing. Ask again.',
};

const BATCH_MS = 50;

/** Fills in the defaults. */
export function splitAiOptions(options: AiRunOptions): {
  readonly run: RunOptions;
  readonly texts: Readonly<Record<BrokenEnding, string>>;
} {
  const { texts, onExisting = 'replace', batch = BATCH_MS, ...run } = options;
  return { run: { ...run, onExisting, batch }, texts: { ...TEXTS, ...texts } };
}
