import type { ClientLog, ClientLogEntry } from './connection-options.js';
import type { Verdict } from './verdict.js';

/** Failures in a row, from the first one on, that are more likely a mistake of the application than an outage. */
export const SUSPICIOUS = 3;

/**
 * Errors go to the console where the application has no log: one that nobody sees would be lost. So would the client be whose log throws
 * between two attempts.
 */
export function writeLog(log: ClientLog | undefined, entry: ClientLogEntry): void {
  try {
    if (log) log(entry);
    // oxlint-disable-next-line no-console -- without a log there is no other place for it
    else if (entry.level === 'error') console.error(entry.message, entry.error ?? '');
  } catch (error) {
    // oxlint-disable-next-line no-console -- the log is what failed
    console.error(error);
  }
}

/**
 * Says why there is no stream: the state says that the client waits, and seldom what the application has to mend.
 *
 * @param openedAt when there was one; 0: never
 */
export function logFailure(
  log: ClientLog | undefined,
  { wait, detail }: Extract<Verdict, { wait: unknown }>,
  attempts: number,
  openedAt: number,
  error: unknown,
): void {
  // The first failure says enough where it is such as no `fetch` in a page of jsdom.
  const isMistake = attempts === SUSPICIOUS || (attempts === 1 && error instanceof ReferenceError);
  const level = isMistake && openedAt === 0 ? 'error' : 'warn';
  if (error !== undefined || level === 'error')
    writeLog(log, { level, message: `No stream: ${wait} ${detail ?? ''}`, error });
}
