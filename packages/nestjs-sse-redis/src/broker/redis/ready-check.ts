import type { Redis } from 'ioredis';

type InfoCallback = (error: Error | null, info?: string) => void;
type Info = (...args: unknown[]) => Promise<string>;

/**
 * Has a say in the ready check of a connection. ioredis (5 and 6) calls `info` with a callback, after SELECT; an error there ends the
 * connection, and names the cause.
 *
 * @param judge of what INFO answered; an error gives the connection up
 */
export function onReadyCheck(redis: Redis, judge: (error: Error | null, info: string) => Error | null): void {
  const info = redis.info.bind(redis) as Info;
  const checked: Info = (...args) => {
    const callback = args.at(-1);
    if (typeof callback !== 'function') return info(...args);
    const answer = callback as InfoCallback;
    const judged: InfoCallback = (error, text = '') => answer(judge(error, text), text);
    return info(...args.slice(0, -1), judged);
  };
  redis.info = checked;
}
