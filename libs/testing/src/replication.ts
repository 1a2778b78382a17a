import type { RedisServer } from './redis-server.js';
import { until } from './until.js';

/** Resolves when the replica has its master's data and follows it. */
export async function inSync(replica: RedisServer): Promise<void> {
  await until(() => isInSync(replica), { message: `the replica on port ${replica.port} is in sync` });
}

export async function isInSync(replica: RedisServer): Promise<boolean> {
  return /master_link_status:up/.test(String(await replica.cli('INFO', 'replication')));
}

/** A replica that has just been sent all data loads them, and answers nothing else meanwhile. */
export function isLoaded(replica: RedisServer): Promise<boolean> {
  return replica.cli('PING').then(
    () => true,
    () => false,
  );
}
