import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { Redis } from 'ioredis';

/** A Redis of the bench's own: loopback only, nothing on disk, gone when the bench is, however it ends. */
export class BenchRedis {
  static async start(binary: string): Promise<BenchRedis> {
    const port = await freePort();
    const settings = { port, bind: '127.0.0.1', dir: tmpdir(), save: '', appendonly: 'no' };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    // The shell ends Redis when the pipe to this process closes.
    const shell = spawn('/bin/sh', ['-c', '"$@" & read -r _; kill $!; wait', 'redis', binary, ...args], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true, // Ctrl-C reaches the whole process group
    });
    const client = new Redis({ host: '127.0.0.1', port, retryStrategy: () => 20, maxRetriesPerRequest: 250 });
    client.on('error', () => undefined);
    return new BenchRedis(shell, client, port, await field(client, 'server', 'redis_version'));
  }

  private constructor(
    private readonly shell: ChildProcess,
    private readonly client: Redis,
    port: number,
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
