import type { Cluster } from 'ioredis';
import { lookup, type SrvRecord } from 'node:dns';
import { isIP } from 'node:net';
import type { ServerAddress } from '../../../options/redis-cluster-options.interface.js';

type Answer<T> = (error: Error | null | undefined, answer?: T) => void;

/**
 * Looks up the nodes that an ioredis `Cluster` begins with, in its own way: `dnsLookup`, `useSRVRecords` and `resolveSrv`.
 *
 * Where it has none of its own, Node looks up names as it connects, so that TLS knows the name of a node.
 *
 * @param timeout ms for one name
 */
export function seedResolver(
  { options }: Cluster,
  seeds: readonly ServerAddress[],
  timeout: number,
): () => Promise<readonly ServerAddress[]> {
  const { dnsLookup, useSRVRecords, resolveSrv } = options;
  const isOwn = dnsLookup !== undefined && dnsLookup !== lookup;
  const addressOf = async (node: ServerAddress): Promise<ServerAddress> => {
    if (!isOwn || isIP(node.host)) return node;
    return { ...node, host: await ask<string>(timeout, node.host, (answer) => dnsLookup(node.host, answer)) };
  };
  const resolve = async (node: ServerAddress): Promise<ServerAddress[]> => {
    if (!useSRVRecords || !resolveSrv || isIP(node.host)) return [await addressOf(node)];
    const records = await ask<SrvRecord[]>(timeout, node.host, (answer) => resolveSrv(node.host, answer));
    const sorted = records.toSorted((one, other) => one.priority - other.priority);
    return settled(sorted.map(({ name, port }) => addressOf({ host: name, port })));
  };
  if (!isOwn && !useSRVRecords) return () => Promise.resolve(seeds);
  return async () => (await settled(seeds.map(resolve))).flat();
}

/** What could be looked up. Throws the first failure where nothing could. */
async function settled<T>(lookups: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(lookups);
  const found = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failure = results.find((result) => result.status === 'rejected');
  if (found.length === 0 && failure) throw failure.reason;
  return found;
}

function ask<T>(timeout: number, name: string, start: (answer: Answer<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`the lookup of ${name} took longer than ${timeout} ms`)),
      timeout,
    );
    start((error, answer) => {
      clearTimeout(timer);
      if (error || answer === undefined) reject(error ?? new Error(`the lookup of ${name} found nothing`));
      else resolve(answer);
    });
  });
}
