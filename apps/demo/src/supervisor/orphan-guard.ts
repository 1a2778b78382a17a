import { spawn } from 'node:child_process';

const SCRIPT = 'trap "" HUP INT TERM; read -r _; kill -9 "$1" 2>/dev/null; [ -n "$2" ] && rm -rf "$2"';

/**
 * Kills a child process, and removes its folder, when this process is gone. No handler runs after SIGKILL, so a small shell
 * waits for the end of a pipe that the system closes with this process.
 */
export function guardOrphan(pid: number, folder = ''): { release(): void } {
  const guard = spawn('/bin/sh', ['-c', SCRIPT, 'orphan-guard', String(pid), folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Signals for the group of the demo are not for the guard, which has to outlive it.
    detached: true,
  });
  // Without a shell the demo still ends what it can.
  guard.on('error', () => undefined);
  guard.stdin.on('error', () => undefined);
  // The pid of a child that has ended may soon belong to another process.
  return { release: () => void guard.kill('SIGKILL') };
}
