import type { ServerResponse } from 'node:http';

/**
 * Keeps caches from storing the answer to a client that is not served. A cache may store a 204 without `Cache-Control`
 * (RFC 9111 4.2.2), as Varnish does for two minutes: every newcomer to the same URL then gets it.
 */
export function forbidStoring(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Cache-Control', 'no-store');
}
