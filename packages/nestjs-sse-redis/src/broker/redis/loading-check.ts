import type { Redis } from 'ioredis';
import { onReadyCheck } from './ready-check.js';

/** Between two looks at a server that loads its data. */
const LONGEST_DELAY_MS = 1_000;

/**
 * Gives up a new connection to a server that loads its data, so that the next one looks for the master again.
 *
 * ioredis (5 and 6) asks such a server for INFO until it has loaded, which may take minutes. Meanwhile it neither resolves the
 * name nor asks Sentinel. A server without INFO would never pass its ready check.
 */
export function refuseLoading(redis: Redis): void {
  const { options } = redis;
  const { retryStrategy } = options;
  let wasLoading = false;
  onReadyCheck(redis, (error, info) => {
    if (error) return isHidden(error) ? null : error;
    wasLoading = isLoading(info);
    return wasLoading ? loading() : null;
  });
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
