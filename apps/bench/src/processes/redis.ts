import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { Redis } from 'ioredis';

/** A Redis of the bench's own: loopback only, nothing on disk, gone when the bench is, however it ends. */
export class BenchRedis {
  /** @param more settings, those of a node of a cluster say */
  static async start(binary: string, more: Readonly<Record<string, string>> = {}): Promise<BenchRedis> {
    const port = await freePort();
    const busPort = 'cluster-enabled' in more ? await freePort() : undefined;
    const bus = busPort === undefined ? {} : { 'cluster-port': busPort };
    const settings = { port, bind: '127.0.0.1', dir: tmpdir(), save: '', appendonly: 'no', ...more, ...bus };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    // The shell ends Redis when the pipe to this process closes.
    const shell = spawn('/bin/sh', ['-c', '"$@" & read -r _; kill $!; wait', 'redis', binary, ...args], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true, // Ctrl-C reaches the whole process group
    });
    const client = new Redis({ host: '127.0.0.1', port, retryStrategy: () => 20, maxRetriesPerRequest: 250 });
    client.on('error', () => undefined);
    const version = await field(client, 'server', 'redis_version');
    return new BenchRedis(binary, shell, client, port, busPort, version);
  }

  private constructor(
    readonly binary: string,
    private readonly shell: ChildProcess,
    private readonly client: Redis,
    readonly port: number,
    /** Over which nodes of a cluster talk; undefined for a server that is none. */
    readonly busPort: number | undefined,
    readonly version: string,
  ) {
    this.url = `redis://127.0.0.1:${port}`;
  }

  readonly url: string;

  /** Microseconds of CPU that the server has used. */
  async cpu(): Promise<number> {
    const info = await this.client.info('cpu');
    const seconds = (name: string): number => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1]);
    return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6;
  }

  command(name: string, ...args: (string | number | undefined)[]): Promise<unknown> {
    return this.client.call(name, ...args.filter((arg) => arg !== undefined));
  }

  /** That somebody has subscribed to. */
  async channels(): Promise<number> {
    return Number(await field(this.client, 'stats', 'pubsub_channels'));
  }

  async empty(): Promise<void> {
    await this.client.flushall();
  }

  async stop(): Promise<void> {
    this.client.disconnect();
    this.shell.stdin?.end();
    if (this.shell.exitCode === null) await once(this.shell, 'exit');
  }
}

async function field(client: Redis, section: string, name: string): Promise<string> {
  return new RegExp(`${name}:(\\S+)`).exec(await client.info(section))?.[1] ?? '';
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
