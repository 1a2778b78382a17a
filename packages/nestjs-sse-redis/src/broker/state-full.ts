import { StateFullError } from '../errors/state-full.error.js';

export function stateFull(channel: string, maxKeys: number): StateFullError {
  return new StateFullError(
    `The state channel ${JSON.stringify(channel)} has ${maxKeys} keys, as many as its definition allows: the event of a new key was not stored. Remove keys that are no longer needed (hub.remove()), or raise state.maxKeys.`,
  );
}
