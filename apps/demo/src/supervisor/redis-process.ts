import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { guardOrphan } from './orphan-guard.js';

export const HOST = '127.0.0.1';
const START_TIMEOUT = 5_000;
const STOP_TIMEOUT = 2_000;
const ASK_TIMEOUT = 2_000;

/** A redis-server of the demo's own: loopback only, and gone with the demo, however that ends. */
export class RedisProcess {
  private readonly listeners: (() => void)[] = [];

  private constructor(
    private readonly server: ChildProcess,
    readonly port: number,
  ) {}

  /**
   * @param settings lines of its configuration
   * @param folder of its own, which goes with the demo
   */
  static async start(
    binary: string,
    port: number,
    settings: Record<string, string | number>,
    folder?: string,
  ): Promise<RedisProcess> {
    const common = { port, bind: HOST, save: '', appendonly: 'no', loglevel: 'warning' };
    const server = spawn(
      binary,
      Object.entries({ ...common, ...settings }).flatMap(([name, value]) => [`--${name}`, String(value)]),
      // A group of its own: Ctrl-C in the terminal reaches the supervisor, which ends Redis last.
      { detached: true, stdio: 'ignore' },
    );
    if (server.pid) {
      const guard = guardOrphan(server.pid, folder);
      server.once('exit', () => guard.release());
    }
    await started(server, port);
    return new RedisProcess(server, port);
  }

  get isRunning(): boolean {
    return this.server.exitCode === null && this.server.signalCode === null;
  }

  /** Notifies of an end that nobody asked for. */
  onExit(listener: () => void): void {
    this.server.on('exit', listener);
    this.listeners.push(listener);
  }

  /** One inline command over a connection of its own; an empty answer if the server does not answer. */
  ask(command: string): Promise<string> {
    return ask(this.port, command);
  }

  async version(): Promise<string> {
    return /redis_version:([\d.]+)/.exec(await this.ask('INFO server'))?.[1] ?? '';
  }

  /** By SIGTERM a master waits for its replicas. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    for (const listener of this.listeners) this.server.off('exit', listener);
    if (!this.isRunning) return;
    const exited = once(this.server, 'exit');
    const force = setTimeout(() => this.server.kill('SIGKILL'), STOP_TIMEOUT);
    this.server.kill(signal);
    await exited;
    clearTimeout(force);
  }
}

async function started(server: ChildProcess, port: number): Promise<void> {
  const failed = new AbortController();
  const ended = new Promise<never>((_, reject) => {
    server.on('error', reject);
    server.once('exit', (code) => reject(new Error(`it ended at once with exit code ${code}`)));
  });
  try {
    await Promise.race([ended, answering(port, failed.signal)]);
  } catch (error) {
    failed.abort();
    server.kill('SIGKILL');
    throw error;
  }
}

async function answering(port: number, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT;
  while (Date.now() < deadline && !signal.aborted) {
    if ((await ask(port, 'PING')).startsWith('+PONG')) return;
    await pause(20, undefined, { signal });
  }
  throw new Error(`no answer to PING within ${START_TIMEOUT} ms`);
}

function ask(port: number, command: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, HOST, () => socket.end(`${command}\r\nQUIT\r\n`));
    socket.setEncoding('utf8');
    // A server that is stopped in its tracks keeps the connection and says nothing.
    socket.setTimeout(ASK_TIMEOUT, () => socket.destroy());
    socket.on('data', (text: string) => (answer += text));
    socket.on('error', () => resolve(''));
    socket.on('close', () => resolve(answer));
  });
}
