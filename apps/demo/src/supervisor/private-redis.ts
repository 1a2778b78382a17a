import { tmpdir } from 'node:os';
import { freePort } from './port.js';
import { HOST, RedisProcess } from './redis-process.js';

const ATTEMPTS = 5;

/** One redis-server of our own, with nothing on disk. */
export class PrivateRedis {
  private constructor(
    private readonly server: RedisProcess,
    private readonly version: string,
  ) {}

  static async start(binary: string): Promise<PrivateRedis> {
    let reason: unknown;
    // Somebody may take the free port before the server does: then another one.
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        // Nothing is ever written to the directory; it only must not be the one that we were started in.
        const server = await RedisProcess.start(binary, await freePort(HOST), { dir: tmpdir() });
        return new PrivateRedis(server, await server.version());
      } catch (error) {
        reason = error;
      }
    }
    throw new Error(`${binary} did not start: ${reason instanceof Error ? reason.message : String(reason)}`);
  }

  get url(): string {
    return `redis://${HOST}:${this.server.port}`;
  }

  /** For the terminal. */
  get description(): string {
    return `private Redis ${this.version} on ${this.url}`;
  }

  /** Tells when the server ends without having been asked to. */
  onExit(listener: (port: number) => void): void {
    this.server.onExit(() => listener(this.server.port));
  }

  stop(): Promise<void> {
    return this.server.stop();
  }
}
