import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/**
 * Kills a child process, and removes its folder, when *this* process is gone, however it went. A handler on 'exit' would
 * not do: Jest gives tests a copy of `process` that never emits it, and kill -9 runs no handler at all. So a small shell
 * waits for the end of a pipe that the system closes with the last of us.
 */
export function guardOrphan(pid: number, folder = ''): { release(): void } {
  const script = 'trap "" HUP INT TERM; read -r _; kill -9 "$1" 2>/dev/null; [ -n "$2" ] && rm -rf "$2"';
  const guard = spawn('/bin/sh', ['-c', script, 'orphan-guard', String(pid), folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // Ctrl-C in a terminal reaches the whole group, and the guard must outlive it.
  });
  guard.unref();
  (guard.stdin as Socket).unref();
  // To be released when the child has ended: its pid may soon be somebody else's.
  return { release: () => void guard.kill('SIGKILL') };
}
