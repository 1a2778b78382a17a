/** ms: a day that a proxy's maintenance page names would take the client away for longer than the outage lasts. */
export const MAX_RETRY_AFTER = 300_000;

/** ms that `Retry-After` asks for: seconds, or an HTTP date (RFC 9110, 10.2.3). At most five minutes; 0 where it says nothing. */
export function readRetryAfter(value: string | null | undefined): number {
  if (!value) return 0;
  const ms = /^\s*\d+\s*$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return ms > 0 ? Math.min(ms, MAX_RETRY_AFTER) : 0; // NaN, too
}
