import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';

const INSTALL =
  'Tests need a real Redis: `apt-get install redis-server`, `brew install redis` or `dnf install valkey`, ' +
  'or set REDIS_SERVER to the path of a redis-server or valkey-server binary.';

/** The server binary: `REDIS_SERVER` if set, else the first `redis-server` or `valkey-server` on the PATH. */
export function findRedisBinary(env: NodeJS.ProcessEnv = process.env): string {
  const chosen = env['REDIS_SERVER'];
  const names = chosen ? [chosen] : ['redis-server', 'valkey-server'];
  for (const name of names) {
    const path = name.includes('/') ? executable(name) : findOnPath(name, env['PATH'] ?? '');
    if (path) return path;
  }
  throw new Error(
    chosen
      ? `REDIS_SERVER is "${chosen}", which cannot be executed. ${INSTALL}`
      : `Neither redis-server nor valkey-server is on the PATH. ${INSTALL}`,
  );
}

/** The `redis-cli` or `valkey-cli` beside the server binary; a folder with the server alone is no rarity. */
export function findRedisCli(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const server = findRedisBinary(env);
  const name = basename(server);
  // A server by another name, such as a link to one, has none that is known.
  if (!name.endsWith('server')) return undefined;
  return executable(join(dirname(server), name.replace(/server$/, 'cli')));
}

/** Of the server binary, as 7.2: Valkey 8 and 9 are 8 and 9. */
export function getServerVersion(): number {
  const text = execFileSync(findRedisBinary(), ['--version'], { encoding: 'utf8' });
  return Number(/\bv=(\d+\.\d+)/.exec(text)?.[1] ?? 0);
}

/** Whether the server has sharded pub/sub, without which a hub cannot be on a cluster: Redis 7.0, or any Valkey. */
export function hasShardedPubSub(): boolean {
  return getServerVersion() >= 7;
}

function findOnPath(name: string, path: string): string | undefined {
  for (const folder of path.split(delimiter)) {
    const found = folder && executable(join(folder, name));
    if (found) return found;
  }
  return undefined;
}

function executable(path: string): string | undefined {
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch {
    return undefined;
  }
}
