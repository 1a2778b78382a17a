import type { Redis } from 'ioredis';
import { onReadyCheck } from './ready-check.js';

type Select = (...args: unknown[]) => Promise<'OK'>;

/**
 * Gives up a new connection whose server refuses SELECT: there is no such database, the user must not, or a script of somebody is BUSY.
 *
 * ioredis (5 and 6) goes on in database 0. The names of pub/sub channels have the other number, so that clients would hear events
 * that are in none of their logs.
 */
export function refuseOtherDatabase(redis: Redis): void {
  const select = redis.select.bind(redis) as Select;
  let refusal: Error | undefined;
  const noting: Select = (...args) => {
    refusal = undefined;
    const selected = select(...args).catch(({ message }: Error) => {
      refusal = toRefusal(String(args[0]), message);
      // ioredis tells it before the ready check does: the start may end between the two.
      throw refusal;
    });
    // It does not listen to each of its own.
    selected.catch(() => undefined);
    return selected;
  };
  redis.select = noting;
  onReadyCheck(redis, (error) => refusal ?? error);
}

/** NOPERM is left out: ioredis takes it for a refused INFO, and goes on without its check. */
function toRefusal(database: string, message: string): Error {
  return new Error(`Database ${database} cannot be used: ${message.replace(/^NOPERM /, '')}`);
}
