import { RunEndedError, type RunEndState } from '../errors/run-ended.error.js';

/** @param state how it ended */
export function runEnded(state: RunEndState): RunEndedError {
  return new RunEndedError(`The run is over (${state}): nothing of it is stored any more.`, state);
}
