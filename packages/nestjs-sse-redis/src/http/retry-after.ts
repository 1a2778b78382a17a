import { MAX_TIMER } from '../options/resolved-options.js';

/**
 * Returns the ms until a client is to come back by a `Retry-After` (RFC 9110, 10.2.3): whole ms, as `retry:` has to be.
 * A client waits with a timer, and one of more than `MAX_TIMER` fires at once.
 *
 * @param value seconds or a date
 * @returns 0 where it says neither
 */
export function readRetryAfter(value: unknown): number {
  const text = typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return ms > 0 ? Math.min(Math.ceil(ms), MAX_TIMER) : 0;
}
