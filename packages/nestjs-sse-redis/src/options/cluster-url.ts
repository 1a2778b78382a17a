import { toRedisUrl } from './redis-url.js';

/** The scheme, user and password, the nodes with commas between them, and the rest. */
const CLUSTER_URL = /^(rediss?)\+cluster:\/\/([^@/?#]*@)?([^/?#@]+)(\/[^?#]*)?(\?[^#]*)?$/;

/**
 * The URLs of the nodes that the URL of a cluster names.
 *
 * @param url such as `redis+cluster://user:password@one:6379,two:6379`, `rediss+cluster://…` for TLS
 * @returns undefined for a URL of something else
 */
export function splitClusterUrl(url: string): string[] | undefined {
  const parts = CLUSTER_URL.exec(toRedisUrl(url));
  if (!parts) return undefined;
  const [, scheme, credentials = '', nodes, path = '', query = ''] = parts;
  return nodes!.split(',').map((node) => `${scheme}://${credentials}${node}${path}${query}`);
}
