import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis, type RedisOptions } from 'ioredis';
import { freePort } from './free-port.js';
import { guardOrphan } from './orphan-guard.js';
import { findRedisBinary } from './redis-binary.js';
import { until } from './until.js';

export interface RedisServerOptions {
  /** More arguments for the server, such as `['--maxmemory', '2mb']`; they win over the defaults. */
  args?: string[];
  /** The text of a configuration file, which the server may rewrite: Sentinel keeps its state in there. */
  config?: string;
  /** Texts by name, written into the server's folder before its first start. A restart finds them as the server left them. */
  files?: Record<string, string>;
  /** Default: a free one. */
  port?: number;
  /** Keep an append-only file, so that data outlive a restart. Default: false. */
  persistence?: boolean;
}

/** A Redis (or Valkey) of the test's own, on the loopback interface. It does not outlive the test's process. */
export class RedisServer {
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #log = '';
  #control: Redis | undefined;
  #isPaused = false;
  readonly #clients = new Set<Redis>();

  static async start({
    args = [],
    config,
    files = {},
    port,
    persistence = false,
  }: RedisServerOptions = {}): Promise<RedisServer> {
    const binary = findRedisBinary();
    // Another process may take a free port before the server does, so a port that nobody asked for may change.
    for (let attempt = 1; ; attempt++) {
      const folder = await mkdtemp(join(tmpdir(), 'test-redis-'));
      const file = config === undefined ? [] : [join(folder, 'server.conf')];
      for (const path of file) await writeFile(path, config!);
      for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
      const server = new RedisServer(binary, folder, port ?? (await freePort()), file, args, persistence);
      try {
        await server.#launch();
        return server;
      } catch (error) {
        await server.stop();
        const isPortTaken = /already in use/i.test(server.log);
        if (port !== undefined || !isPortTaken || attempt === 5) throw error;
      }
    }
  }

  private constructor(
    private readonly binary: string,
    private readonly folder: string,
    readonly port: number,
    private readonly configFile: readonly string[],
    private readonly args: readonly string[],
    private readonly persistence: boolean,
  ) {}

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Of the process that runs now; throws when none does. */
  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error(`the Redis on port ${this.port} is not running`);
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** Whether it runs and `pause()` has stopped it in its tracks. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** What the server has written, over all its restarts. */
  get log(): string {
    return this.#log;
  }

  /** A new client, closed with `stop()`. Its connection errors are silent: in these tests they are the point. */
  client(options: RedisOptions = {}): Redis {
    const client = new Redis({ host: '127.0.0.1', port: this.port, ...options });
    client.on('error', () => {});
    client.on('end', () => this.#clients.delete(client));
    this.#clients.add(client);
    return client;
  }

  /** One command, as redis-cli would send it. Rejects soon when the server cannot be reached. */
  async cli(command: string, ...args: (string | number | Buffer)[]): Promise<unknown> {
    // The last: ioredis times the end of a stream that has ended with a killed server too, and holds up the process.
    this.#control ??= this.client({
      retryStrategy: () => 20,
      maxRetriesPerRequest: 2,
      disconnectTimeout: 100,
    });
    return this.#control.call(command, ...args);
  }

  /** Stops the process in its tracks: connections stay up and nothing answers. */
  pause(): void {
    process.kill(this.pid, 'SIGSTOP');
    this.#isPaused = true;
  }

  resume(): void {
    process.kill(this.pid, 'SIGCONT');
    this.#isPaused = false;
  }

  /** As a crash. The clients stay, to see what they make of it. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /**
   * Starts the server again on its port, after a proper shutdown if it is running. With `persistence` the data are
   * still there, unless `empty`.
   */
  async restart({ empty = false }: { empty?: boolean } = {}): Promise<void> {
    await this.#end('SIGTERM');
    if (empty) await rm(join(this.folder, 'appendonlydir'), { recursive: true, force: true });
    if (empty) await rm(join(this.folder, 'appendonly.aof'), { force: true }); // Redis 6
    await this.#launch();
  }

  /** For good: closes the clients, ends the process, removes its folder. By SIGTERM a master waits for its replicas. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    for (const client of this.#clients) client.disconnect();
    this.#clients.clear();
    this.#control = undefined;
    await this.#end(signal);
    await rm(this.folder, { recursive: true, force: true });
  }

  async #launch(): Promise<void> {
    const child = spawn(this.binary, this.#arguments(), { stdio: ['ignore', 'pipe', 'pipe'] });
    const guard = child.pid === undefined ? undefined : guardOrphan(child.pid, this.folder);
    this.#child = child;
    for (const stream of [child.stdout as Socket, child.stderr as Socket]) {
      stream.on('data', (text: Buffer) => (this.#log += text.toString()));
      stream.unref();
    }
    this.#exited = new Promise((resolve) => {
      const onGone = (): void => {
        guard?.release();
        this.#child = undefined;
        this.#isPaused = false;
        resolve();
      };
      child.once('close', onGone);
      child.once('error', (error) => {
        this.#log += `\n${error.message}`;
        onGone();
      });
    });
    // A test that fails before its stop() must not keep the runner from ending; the guard cleans up behind it.
    child.unref();
    await this.#untilReady();
  }

  #arguments(): string[] {
    return [
      ...this.configFile,
      ...['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.folder],
      ...['--daemonize', 'no', '--save', '', '--appendonly', this.persistence ? 'yes' : 'no'],
      // Written before it is acknowledged, though not to the disk: a killed process loses nothing. With the default, everysec,
      // Redis puts off writing for up to two seconds while the disk is busy.
      ...['--appendfsync', 'no'],
      ...this.args,
    ];
  }

  async #untilReady(): Promise<void> {
    await until(
      async () => {
        if (!this.#child) return 'gone'; // No use in waiting for an answer.
        return (await answersPing(this.port, this.pid)) && 'ready';
      },
      { message: `the Redis on port ${this.port} answers PING` },
    );
    if (!this.#child) throw new Error(`${this.binary} did not start:\n${this.#log.slice(-2000)}`);
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (!child) return;
    child.ref();
    child.kill(signal);
    child.kill('SIGCONT'); // A paused process does not see SIGTERM.
    // A server that is busy in a script, or refuses to shut down, gets no more than this.
    const impatience = setTimeout(() => child.kill('SIGKILL'), 5000);
    await this.#exited;
    clearTimeout(impatience);
  }
}

/**
 * Whether the process answers PING, asked over a plain socket: a client would retry, queue and hide what happens.
 * INFO tells the pid, so that another server on the same port is not taken for ours.
 */
function answersPing(port: number, pid: number): Promise<boolean> {
  return new Promise((resolve) => {
    let reply = '';
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\nINFO server\r\n'));
    const answer = (ready: boolean): void => {
      socket.destroy();
      resolve(ready);
    };
    socket.on('data', (chunk) => {
      reply += chunk.toString();
      if (reply.startsWith('-NOAUTH')) answer(true); // It has a password, and is up.
      else if (reply.startsWith('-')) answer(false); // It is still loading its data.
      const found = /process_id:(\d+)\r\n/.exec(reply)?.[1];
      if (found) answer(Number(found) === pid);
    });
    socket.once('error', () => answer(false));
    socket.once('close', () => answer(false));
  });
}
