import { setTimeout as delay } from 'node:timers/promises';
import { RedisUnavailableError } from '../../errors/redis-unavailable.error.js';
import { isPassing } from './refusals.js';

const AGAIN_AFTER_MS = 100;

/**
 * Does a part of the start again while a refusal may pass: a slot is on the move, or a cluster that was started together with the
 * application has not found its nodes yet.
 *
 * @param action may be run more than once
 * @param within ms from now on
 * @throws the last refusal when the time is up, and any other error at once
 */
export async function untilAccepted<T>(action: () => Promise<T>, within: number): Promise<T> {
  const end = performance.now() + within;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      const mayPass = isPassing(error) || error instanceof RedisUnavailableError;
      if (!mayPass || performance.now() + AGAIN_AFTER_MS > end) throw error;
    }
    await delay(AGAIN_AFTER_MS);
  }
}
