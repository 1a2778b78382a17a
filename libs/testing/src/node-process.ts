import { fork, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { CompiledTree } from './compiled-tree.js';
import { deferred, type Deferred } from './deferred.js';
import { guardOrphan } from './orphan-guard.js';
import type { FromChild, ToChild } from './process-messages.js';

export interface AppProcessOptions {
  /** Added to the environment of the test. */
  env?: Record<string, string>;
  /** Arguments for Node itself, such as `['--max-old-space-size=64']`, or `['--import', <URL of a TypeScript file>]`. */
  execArgv?: string[];
  /** Arguments for the program. */
  args?: string[];
  /** Milliseconds that the child may take until it announces its port. Default: 60,000: a busy machine is slow, a broken program ends. */
  timeout?: number;
}

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * A Node process of its own that runs a TypeScript file, as a deployed node would. The file calls `announceReady(port)`
 * when it listens, and may answer `request()` with `serveRequests()`. It does not outlive the test's process.
 */
export class AppProcess {
  readonly exited: Promise<ProcessExit>;
  /** What the child sent that is neither its port nor a reply, in order. */
  readonly messages: unknown[] = [];
  /** What it has written, so far. */
  stdout = '';
  stderr = '';

  readonly #child: ChildProcess;
  readonly #exited = deferred<ProcessExit>();
  readonly #ready = deferred<number>();
  readonly #requests = new Map<number, Deferred<unknown>>();
  #port = 0;
  #lastRequest = 0;

  /** Compiles what processes run, which the first start does otherwise: it takes seconds. */
  static async prepare(): Promise<void> {
    await CompiledTree.get();
  }

  /** Resolves when the child has announced its port; rejects with what it wrote if it ends before. */
  static async start(entry: URL | string, options: AppProcessOptions = {}): Promise<AppProcess> {
    const app = new AppProcess(entry, options, await CompiledTree.get());
    const { timeout = 60_000 } = options;
    const timer = setTimeout(() => {
      app.#ready.reject(new Error(`${String(entry)} was not ready within ${timeout} ms\n${app.#output}`));
    }, timeout);
    try {
      app.#port = await app.#ready.promise;
      return app;
    } catch (error) {
      await app.kill();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  private constructor(
    entry: URL | string,
    { env, execArgv = [], args = [] }: AppProcessOptions,
    tree: CompiledTree,
  ) {
    const path = String(entry).startsWith('file:') ? fileURLToPath(entry) : String(entry);
    // What is imported before the program is of the same tree.
    const options = execArgv.map((arg) =>
      arg.startsWith('file:') ? pathToFileURL(tree.pathOf(fileURLToPath(arg))).href : arg,
    );
    this.#child = fork(tree.pathOf(path), args, {
      // Not the arguments and options of the test runner: those are for running tests.
      execArgv: ['--enable-source-maps', ...options],
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.exited = this.#exited.promise;
    this.#collectOutput();
    this.#child.on('message', (message) => this.#receive(message as FromChild));

    const guard = this.#child.pid === undefined ? undefined : guardOrphan(this.#child.pid);
    // 'close' and not 'exit': by then all that it wrote has been read.
    this.#child.once('close', (code, signal) => {
      guard?.release();
      this.#onExit({ code, signal });
    });
    this.#child.on('error', (error) => this.#ready.reject(error));
    // A test that fails before its kill() must not keep the runner from ending; the guard cleans up behind it.
    this.#child.unref();
    this.#child.channel?.unref();
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Sends the signal to this very process and resolves when it has ended. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<ProcessExit> {
    this.#child.ref();
    this.#child.kill(signal);
    return this.exited;
  }

  /** Stops the process in its tracks: its connections stay up and nothing moves. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** Arrives at the child's `onParentMessage()`. */
  send(message: unknown): void {
    this.#post({ message });
  }

  /** Has the child's `serveRequests()` handler answer; rejects with what the handler threw, or when the child ends. */
  request<Reply = unknown>(message: unknown): Promise<Reply> {
    const id = ++this.#lastRequest;
    const reply = deferred<unknown>();
    this.#requests.set(id, reply);
    this.#post({ request: { id, message } });
    return reply.promise as Promise<Reply>;
  }

  #collectOutput(): void {
    const stdout = this.#child.stdout as Socket;
    const stderr = this.#child.stderr as Socket;
    stdout.on('data', (text: Buffer) => (this.stdout += text.toString()));
    stderr.on('data', (text: Buffer) => (this.stderr += text.toString()));
    stdout.unref();
    stderr.unref();
  }

  #post(message: ToChild): void {
    // Without a callback a child that has just died would be an 'error' event; `exited` says it better.
    if (this.#child.connected) this.#child.send(message, () => {});
    else this.#failRequests('is gone');
  }

  #receive(message: FromChild): void {
    if ('ready' in message) {
      this.#ready.resolve(message.ready.port);
    } else if ('reply' in message) {
      const { id, value, error } = message.reply;
      const request = this.#requests.get(id);
      this.#requests.delete(id);
      if (error) request?.reject(Object.assign(new Error(error.message), error));
      else request?.resolve(value);
    } else {
      this.messages.push(message.message);
    }
  }

  #onExit(exit: ProcessExit): void {
    const how = `ended with ${exit.signal ?? `code ${exit.code}`}`;
    this.#ready.reject(new Error(`the process ${how} before it was ready\n${this.#output}`));
    this.#failRequests(how);
    this.#exited.resolve(exit);
  }

  #failRequests(how: string): void {
    for (const request of this.#requests.values()) request.reject(new Error(`process ${this.pid} ${how}`));
    this.#requests.clear();
  }

  get #output(): string {
    return `--- stdout\n${this.stdout.slice(-4000)}\n--- stderr\n${this.stderr.slice(-4000)}`;
  }
}
