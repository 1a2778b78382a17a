import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';

/** A part in which the event loop was held up passes for one part, however long it took. */
const PARTS = 10;

/**
 * Waits for a time in which the event loop goes on. Whatever arrives within it is read: on a starved machine a timer alone
 * may end before the sockets are read (Node's guide "The Node.js event loop": timers, poll, check).
 *
 * @param ms milliseconds, at least
 * @param isOver asked now and then: whether there is nothing left to wait for
 *
 * @example
 * await awakeFor(2_000, () => hasCome);
 */
export async function awakeFor(ms: number, isOver: () => boolean): Promise<void> {
  for (let part = 0; part < PARTS && !isOver(); part++) await delay(ms / PARTS, undefined, { ref: false });
  await nextTurn();
}
