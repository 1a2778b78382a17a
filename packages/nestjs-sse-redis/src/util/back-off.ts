import { setTimeout as delay } from 'node:timers/promises';

const FIRST_MS = 50;
const LONGEST_MS = 1_000;

/**
 * Waits before another attempt: the longer, the more there were, and never as long as others.
 *
 * @param attempt from 0 on
 * @param signal ends the wait
 */
export async function backOff(attempt: number, signal?: AbortSignal): Promise<void> {
  // A process that has nothing else to do may end.
  const options = { ref: false, ...(signal && { signal }) };
  await delay(backOffTime(attempt), undefined, options).catch(() => undefined);
}

/** How long that is, ms. @param attempt from 0 on */
export function backOffTime(attempt: number): number {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt);
  return longest * (0.5 + Math.random() / 2);
}
