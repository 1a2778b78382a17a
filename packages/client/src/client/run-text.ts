import type { ChannelEvent, EndData, ErrorData } from './channel-types.js';

/** A run of `hub.run()` as a reader has it. */
export interface RunView {
  /** Its `message` events together, such as the tokens of an answer. */
  readonly text: string;
  /** `idle` before its first event; else as its `end` says, once that has come. */
  readonly state: 'idle' | 'running' | 'done' | 'failed' | 'stopped' | 'interrupted';
  /** The code of its `error` event. */
  readonly error?: string;
  /** Something of it is missing. */
  readonly hasGap: boolean;
}

export const NO_RUN: RunView = { text: '', state: 'idle', hasGap: false };

const ENDS: ReadonlySet<string> = new Set(['done', 'failed', 'stopped', 'interrupted']);

/** What a reader has behind an event of the run's channel. What follows an end is another run. */
export function readRun(view: RunView, { type, data, text }: ChannelEvent): RunView {
  const before = view.state === 'idle' || view.state === 'running' ? view : NO_RUN;
  switch (type) {
    case 'message':
      return { ...before, state: 'running', text: before.text + (typeof data === 'string' ? data : text) };
    case 'end': {
      const { outcome } = data as EndData;
      return { ...view, state: ENDS.has(outcome ?? '') ? (outcome as RunView['state']) : 'done' };
    }
    case 'error': {
      const { code, error } = data as ErrorData;
      // The client's own says that the channel is lost, which takes no text away. The server's may be the first event of the next run.
      return { ...(error ? view : before), error: code };
    }
    case 'gap':
      return { ...view, hasGap: true };
    default:
      return { ...before, state: 'running' };
  }
}
