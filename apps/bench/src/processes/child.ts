import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FromChild, Methods } from './serve.js';

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/** A program of the bench in a process of its own, whose methods are called over its IPC channel. */
export class Child<M extends Methods> {
  private readonly waiting = new Map<number, Waiting>();
  private readonly exited: Promise<void>;
  private output = '';
  private lastId = 0;

  static async start<M extends Methods>(
    entry: URL,
    args: string[] = [],
    execArgv: string[] = [],
  ): Promise<Child<M>> {
    const child = fork(fileURLToPath(entry), args, {
      execArgv,
      env: { ...process.env, NODE_ENV: 'production', NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const started = new Child<M>(child, `${entry.pathname.split('/').slice(-2).join('/')} ${args[0] ?? ''}`);
    await new Promise<unknown>((resolve, reject) => started.waiting.set(0, { resolve, reject }));
    return started;
  }

  private constructor(
    private readonly child: ChildProcess,
    private readonly name: string,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
    child.on('message', (message) => this.receive(message as FromChild));
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => this.fail(error.message));
      child.once('close', (code, signal) => {
        this.fail(`ended with ${signal ?? `code ${code}`}`);
        resolve();
      });
    });
  }

  call<K extends keyof M & string>(
    method: K,
    ...[argument]: Parameters<M[K]>
  ): Promise<Awaited<ReturnType<M[K]>>> {
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      if (!this.child.connected) return this.fail('is gone');
      this.child.send({ id, method, argument }, () => undefined);
    });
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  private receive(message: FromChild): void {
    const id = 'ready' in message ? 0 : message.id;
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if ('error' in message) waiting?.reject(new Error(`${this.name}: ${message.error}`));
    else waiting?.resolve(('value' in message ? message.value : undefined) as never);
  }

  private fail(reason: string): void {
    const error = new Error(`${this.name} (pid ${this.child.pid}) ${reason}\n${this.output.slice(-4000)}`);
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
