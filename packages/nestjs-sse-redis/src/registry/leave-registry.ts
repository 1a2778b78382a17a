import { withinTime } from '../util/within-time.js';
import type { RegistrationQueue } from './registration-queue.js';

/** A Redis that answers nothing for so long is taken for away: the grace period of a platform goes on while a process leaves. */
const ANSWER_MS = 2_000;
/** However often it answers. */
const LEAVING_MS = 10_000;

/**
 * Takes all of a process out of the registry. Thousands of connections take as many batches as they need, as long as Redis answers.
 *
 * @param takeOut a piece of what the queue has left
 * @throws Error with the time that is over; what is still there goes with the lease
 */
export async function leaveRegistry(
  queue: Pick<RegistrationQueue, 'settle' | 'answers'>,
  takeOut: () => Promise<{ readonly more: boolean }>,
): Promise<void> {
  const began = performance.now();
  const check = (hasAnswered: boolean): void => {
    if (!hasAnswered) throw new Error(`Redis did not answer within ${ANSWER_MS} ms`);
    if (performance.now() - began > LEAVING_MS) throw new Error(`it took more than ${LEAVING_MS} ms`);
  };
  const settled = queue.settle().then(() => true);
  for (let before = queue.answers; !(await withinTime(settled, ANSWER_MS)); before = queue.answers)
    check(queue.answers > before);
  for (let more = true; more;) {
    const piece = await withinTime(takeOut(), ANSWER_MS);
    check(piece !== undefined);
    more = piece!.more;
  }
}
