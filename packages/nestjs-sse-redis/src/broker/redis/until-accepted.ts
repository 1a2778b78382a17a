import { setTimeout as delay } from 'node:timers/promises';
import { RedisUnavailableError } from '../../errors/redis-unavailable.error.js';
import { isPassing } from './refusals.js';

const AGAIN_AFTER_MS = 100;

/**
 * The time that all parts of a start have together.
 *
 * @param ms from now on
 * @param isWanted whether the start was not given up meanwhile
 * @returns whether it may wait
 */
export function waitUpTo(ms: number, isWanted: () => boolean): () => boolean {
  const end = performance.now() + ms;
  return () => isWanted() && performance.now() < end;
}

/**
 * Does a part of the start again while a refusal may pass: a slot is on the move, or a cluster that was started together with the
 * application has not found its nodes yet.
 *
 * @param action may be run more than once
 * @param mayWait whether the start has time left
 * @throws the last refusal where it may not wait, and any other error at once
 */
export async function untilAccepted<T>(action: () => Promise<T>, mayWait: () => boolean): Promise<T> {
  for (;;) {
    try {
      return await action();
    } catch (error) {
      const mayPass = isPassing(error) || error instanceof RedisUnavailableError;
      if (!mayPass || !mayWait()) throw error;
    }
    await delay(AGAIN_AFTER_MS);
  }
}
