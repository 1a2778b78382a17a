import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from './port.js';

const HOST = '127.0.0.1';
const START_TIMEOUT = 5_000;
const STOP_TIMEOUT = 2_000;
const ATTEMPTS = 5;

/** A redis-server of our own: loopback only, nothing on disk, gone when the demo ends. */
export class PrivateRedis {
  private constructor(
    private readonly server: ChildProcess,
    readonly url: string,
    readonly version: string,
  ) {}

  static async start(binary: string): Promise<PrivateRedis> {
    let reason: unknown;
    // Somebody may take the free port before the server does: then another one.
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const port = await freePort(HOST);
      try {
        const server = await launch(binary, port);
        return new PrivateRedis(server, `redis://${HOST}:${port}`, await versionOf(port));
      } catch (error) {
        reason = error;
      }
    }
    throw new Error(`${binary} did not start: ${reason instanceof Error ? reason.message : String(reason)}`);
  }

  get pid(): number {
    return this.server.pid as number;
  }

  /** Tells when the server ends without having been asked to. */
  onExit(listener: () => void): void {
    this.server.once('exit', listener);
  }

  async stop(): Promise<void> {
    this.server.removeAllListeners('exit');
    if (this.server.exitCode !== null || this.server.signalCode !== null) return;
    const exited = once(this.server, 'exit');
    const force = setTimeout(() => this.server.kill('SIGKILL'), STOP_TIMEOUT);
    this.server.kill('SIGTERM');
    await exited;
    clearTimeout(force);
  }
}

async function launch(binary: string, port: number): Promise<ChildProcess> {
  // Nothing is ever written to the directory; it only must not be the one that we were started in.
  const settings = { port, bind: HOST, dir: tmpdir(), save: '', appendonly: 'no', loglevel: 'warning' };
  const server = spawn(
    binary,
    Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
    // A group of its own: Ctrl-C in the terminal reaches the supervisor, which ends Redis last.
    { detached: true, stdio: 'ignore' },
  );
  const failed = new AbortController();
  const ended = new Promise<never>((_, reject) => {
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`it ended at once with exit code ${code}`)));
  });
  try {
    await Promise.race([ended, answering(port, failed.signal)]);
  } catch (error) {
    failed.abort();
    server.kill('SIGKILL');
    throw error;
  }
  server.removeAllListeners();
  server.on('error', () => undefined);
  return server;
}

async function answering(port: number, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT;
  while (Date.now() < deadline && !signal.aborted) {
    if ((await ask(port, 'PING')).startsWith('+PONG')) return;
    await pause(20, undefined, { signal });
  }
  throw new Error(`no answer to PING within ${START_TIMEOUT} ms`);
}

async function versionOf(port: number): Promise<string> {
  return /redis_version:([\d.]+)/.exec(await ask(port, 'INFO server'))?.[1] ?? '';
}

/** One inline command over a connection of its own; empty if there is nobody. */
function ask(port: number, command: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, HOST, () => socket.end(`${command}\r\nQUIT\r\n`));
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => (answer += text));
    socket.on('error', () => resolve(''));
    socket.on('close', () => resolve(answer));
  });
}
