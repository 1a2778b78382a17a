import type { ClientLog, ClientLogEntry } from './connection-options.js';

/** Errors go to the console where the application has no log: one that nobody sees would be lost. */
export function writeLog(log: ClientLog | undefined, entry: ClientLogEntry): void {
  if (log) log(entry);
  // oxlint-disable-next-line no-console -- without a log there is no other place for it
  else if (entry.level === 'error') console.error(entry.message, entry.error ?? '');
}
