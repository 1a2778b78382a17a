import { execFileSync } from 'node:child_process';
import type { Sizes } from './sizes.js';

/** Besides connections: Redis, IPC, the files of modules. */
const SPARE = 200;

/** Says at once what would otherwise fail after minutes. Node itself raises the soft limit to the hard one. */
export function checkOpenFiles({ idle, perUser, growth }: Sizes): void {
  const needed = Math.max(idle.clients, ...perUser.clients, ...growth.connections) + SPARE;
  const limit = execFileSync('/bin/sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
  if (limit === 'unlimited' || Number(limit) >= needed) return;
  throw new Error(
    `A process may have ${limit} files open here, and the bench needs ${needed}: raise it with ` +
      '`ulimit -n` (or in limits.conf), or run with --quick.',
  );
}
