import type { Redis } from 'ioredis';

type InfoCallback = (error: Error | null, info?: string) => void;
type Info = (...args: unknown[]) => Promise<string>;

/** Between two looks at a server that loads its data. */
const LONGEST_DELAY_MS = 1_000;

/**
 * Gives up a new connection to a server that loads its data, so that the next one looks for the master again.
 *
 * ioredis (5 and 6) asks such a server for INFO until it has loaded, which may take minutes. Meanwhile it neither resolves the
 * name nor asks Sentinel. Its ready check calls `info` with a callback; an error there ends the connection and names the cause.
 * A server without INFO would never pass it.
 */
export function refuseLoading(redis: Redis): void {
  const info = redis.info.bind(redis) as Info;
  const { options } = redis;
  const { retryStrategy } = options;
  let wasLoading = false;
  const checked: Info = (...args) => {
    const callback = args.at(-1);
    if (typeof callback !== 'function') return info(...args);
    const answer = callback as InfoCallback;
    const asked = info(...args.slice(0, -1));
    asked.then(
      (text) => {
        wasLoading = isLoading(text);
        answer(wasLoading ? loading() : null, text);
      },
      (error: Error) => (isHidden(error) ? answer(null, '') : answer(error)),
    );
    return asked;
  };
  redis.info = checked;
  options.retryStrategy = (times) => {
    const delay = retryStrategy?.(times);
    return wasLoading && typeof delay === 'number' ? Math.min(delay, LONGEST_DELAY_MS) : delay;
  };
}

function isLoading(info: string): boolean {
  return /^loading:1\r?$/m.test(info);
}

/** By rename-command. Where the ACL refuses it, ioredis goes on by itself. */
function isHidden({ message }: Error): boolean {
  return /^ERR unknown command/i.test(message);
}

/** In the words of Redis, by which the cause is known. */
function loading(): Error {
  return new Error('LOADING Redis is loading the dataset in memory');
}
