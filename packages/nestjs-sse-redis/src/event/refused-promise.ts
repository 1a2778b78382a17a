import { types } from 'node:util';

/**
 * Handles the rejection of a Promise that was given as the data of an event, as where an `await` is missing. The event is refused, so that
 * nobody else does, and Node would end the process.
 */
export function handleRejection(event: unknown): void {
  if (typeof event !== 'object' || event === null || !('data' in event)) return;
  if (types.isPromise(event.data)) event.data.catch(() => undefined);
}
