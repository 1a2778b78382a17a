import type { LogHistory } from '../log-history.interface.js';

/** The history of a log as `publish.lua` takes it: in one argument, since each costs time. @param isEnd of a stream */
export function formatHistory(history: LogHistory | undefined, isEnd: boolean): string | number {
  if (history === undefined) return '';
  const { maxLength = '', ttl = '', ttlAfterEnd = ttl } = history;
  const expiry = isEnd ? ttlAfterEnd : ttl;
  return ttl === '' && expiry === '' ? maxLength : `:${ttl}:${expiry}:${maxLength}`;
}

/** Whether a log may be kept for a time that is not the hub's: it leaves a tombstone then. */
export function hasOwnTime(history: LogHistory | undefined): boolean {
  return history !== undefined && (history.ttl !== undefined || history.ttlAfterEnd !== undefined);
}
