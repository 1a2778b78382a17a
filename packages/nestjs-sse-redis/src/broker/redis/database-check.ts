import type { Redis } from 'ioredis';

type InfoCallback = (error: Error | null, info?: string) => void;
type Info = (...args: unknown[]) => Promise<string>;
type Select = (...args: unknown[]) => Promise<'OK'>;

/**
 * Gives up a new connection whose server refuses SELECT: there is no such database, the user must not, or a script of somebody is BUSY.
 *
 * ioredis (5 and 6) goes on in database 0. The names of pub/sub channels have the other number, so that clients would hear events
 * that are in none of their logs. Its ready check calls `info` after SELECT; an error there ends the connection and names the cause.
 */
export function refuseOtherDatabase(redis: Redis): void {
  const select = redis.select.bind(redis) as Select;
  const info = redis.info.bind(redis) as Info;
  let refusal: Error | undefined;
  const noting: Select = (...args) => {
    refusal = undefined;
    const selected = select(...args);
    selected.catch(({ message }: Error) => (refusal = toRefusal(String(args[0]), message)));
    return selected;
  };
  const checked: Info = (...args) => {
    const callback = args.at(-1);
    if (typeof callback !== 'function') return info(...args);
    const answer = callback as InfoCallback;
    const ready: InfoCallback = (error, text) => answer(refusal ?? error, text);
    return info(...args.slice(0, -1), ready);
  };
  redis.select = noting;
  redis.info = checked;
}

/** NOPERM is left out: ioredis takes it for a refused INFO, and goes on without its check. */
function toRefusal(database: string, message: string): Error {
  return new Error(`Database ${database} cannot be used: ${message.replace(/^NOPERM /, '')}`);
}
