import { execFileSync, spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ForeignEvent } from './foreign-publisher.js';

const PROGRAM = fileURLToPath(new URL('./publish_event.py', import.meta.url));

export const hasPython = ((): boolean => {
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** A Python process that publishes, one event after the other. */
export class PythonPublisher {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly waiting: ((answer: string) => void)[] = [];

  /**
   * @param port of Redis
   * @param script the path of publish-event.lua
   */
  constructor(port: number, script: string) {
    this.child = spawn('python3', [PROGRAM, String(port), script], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface(this.child.stdout).on('line', (line) => this.waiting.shift()!(line));
  }

  /** @returns the id @throws Error with the words of the script */
  async publish(keys: readonly string[], event: ForeignEvent): Promise<string> {
    const { kind, type = '', data, options = [] } = event;
    const answer = new Promise<string>((resolve) => this.waiting.push(resolve));
    this.child.stdin.write(`${JSON.stringify([keys, [kind, type, String(data), ...options]])}\n`);
    const { id, error } = JSON.parse(await answer) as { id?: string; error?: string };
    if (id === undefined) throw new Error(error);
    return id;
  }

  /** Resolves when the process has ended. */
  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('close', resolve));
    this.child.stdin.end();
    await ended;
  }
}
