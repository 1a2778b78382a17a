import { RedisRefusedError } from '../errors/redis-refused.error.js';
import { RedisUnavailableError } from '../errors/redis-unavailable.error.js';
import { backOff } from '../util/back-off.js';

/**
 * Repeats what Redis did not answer, or refused: a failover may be going on.
 *
 * @param action may be run more than once
 * @param deadline by the clock of `performance.now()`
 * @throws the last of these errors when the time is up, and any other at once
 */
export async function untilAnswered<T>(action: () => Promise<T>, deadline: number): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      const mayPass = error instanceof RedisUnavailableError || error instanceof RedisRefusedError;
      if (!mayPass || performance.now() > deadline) throw error;
    }
    await backOff(attempt);
  }
}
