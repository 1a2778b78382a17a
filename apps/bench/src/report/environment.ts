import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem, type } from 'node:os';

/** On what it was measured. */
export interface Environment {
  readonly date: string;
  readonly node: string;
  readonly redis: string;
  readonly system: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly commit: string;
}

export function environment(redis: string): Environment {
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.versions.node,
    redis,
    system: `${type()} ${release()}`,
    cpu: cpus()[0]?.model ?? '',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    commit: commit(),
  };
}

export function environmentLine({ node, redis, system, cpu, cores, commit, date }: Environment): string {
  return `Node ${node}, Redis ${redis}, ${cores} cores (${cpu}), ${system}, commit ${commit}, ${date}`;
}

/** With a `+` where files differ from it. */
function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { encoding: 'utf8', stdio: 'pipe' }).trim();
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') ? '+' : '');
  } catch {
    return 'unknown';
  }
}
