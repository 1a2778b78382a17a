import type { ClientLog, ClientLogEntry } from './connection-options.js';
import type { StopReason, WaitReason } from './connection-state.js';

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

/** Why an attempt has led to no stream: the client stops, or waits. */
interface Failure {
  readonly stop?: StopReason;
  readonly wait?: WaitReason;
  readonly detail?: number | string | undefined;
}

/**
 * Says why there is no stream: the state says that the client waits, and seldom what the application has to mend.
 *
 * @param attempts that failed since the beginning; 0 where there was a stream before
 */
export function logFailure(
  log: ClientLog | undefined,
  { stop, wait, detail }: Failure,
  attempts: number,
  error: unknown,
): void {
  const isMistake = stop
    ? // One that no further attempt mends, such as a wrong path.
      stop === 'http'
    : // The first failure says enough where it is such as no `fetch` in a page of jsdom.
      attempts === SUSPICIOUS || (attempts === 1 && error instanceof ReferenceError);
  if (isMistake || error !== undefined)
    writeLog(log, {
      level: isMistake ? 'error' : 'warn',
      message: `No stream: ${stop ?? wait} ${detail ?? ''}`,
      error,
    });
}
