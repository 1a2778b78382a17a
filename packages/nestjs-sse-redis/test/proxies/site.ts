import { AppProcess, freePort, until, type AdapterName } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import type { ClientState } from '../clients/client-state.js';
import type { LibrariesRequest } from '../clients/libraries.process.js';
import { Proxy, type ProxyProgram } from './proxy.js';

const PATIENCE = { timeout: 90_000, interval: 100 };
const NODE = new URL('./node.process.ts', import.meta.url);

export interface SiteOptions {
  readonly adapter: AdapterName;
  /** The URL of Redis. */
  readonly redis: string;
  /** The process that runs the client libraries. */
  readonly libraries: AppProcess;
  readonly program: ProxyProgram;
  /** A configuration in the place of the shipped one. */
  readonly plain?: string;
}

/** Two processes behind a proxy, a third one that publishes and has no clients, and a client of each library. */
export class Site {
  /** The data of what was published, in order. */
  readonly published: string[] = [];
  private readonly fleet = randomUUID();
  private readonly processes: (AppProcess | undefined)[] = [];

  static async open(options: SiteOptions): Promise<Site> {
    const ports = [await freePort(), await freePort()] as const;
    const settings = { redis: options.redis, prefix: randomUUID(), retry: 600, drain: { timeout: 2_000 } };
    const start = (port: number): Promise<AppProcess> =>
      AppProcess.start(NODE, { args: [options.adapter, String(port), JSON.stringify(settings)] });
    const publisher = await start(0);
    const site = new Site(options, ports, start, publisher);
    await site.start(0);
    await site.start(1);
    site.proxy = await Proxy.start(options.program, ports, options.plain);
    const stream = { origin: site.proxy.origin, channels: ['news'], fleet: site.fleet, closeOnEnd: [] };
    await site.ask({ kind: 'open', stream });
    await site.all('each stream is open', ({ readyState }) => readyState === 'open');
    return site;
  }

  private proxy: Proxy | undefined;

  private constructor(
    private readonly options: SiteOptions,
    private readonly ports: readonly [number, number],
    private readonly launch: (port: number) => Promise<AppProcess>,
    private readonly publisher: AppProcess,
  ) {}

  async start(index: 0 | 1): Promise<void> {
    this.processes[index] = await this.launch(this.ports[index]);
  }

  async end(index: 0 | 1, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await this.processes[index]!.kill(signal);
  }

  async publish(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const data = { n: this.published.length + 1 };
      await this.publisher.request(data);
      this.published.push(JSON.stringify(data));
    }
  }

  /** Waits until each client has everything that was published, while its stream goes on. */
  async received(): Promise<void> {
    const last = this.published.at(-1);
    await this.all(`each client has ${last}`, ({ seen }) => seen.some(({ data }) => data === last));
  }

  async all(message: string, isTrue: (state: ClientState) => boolean): Promise<void> {
    const look = async (): Promise<true> => {
      const others = (await this.states()).filter(([, state]) => !isTrue(state));
      if (others.length === 0) return true;
      throw new Error(others.map(([name, { readyState }]) => `not so: ${name}, ${readyState}`).join('; '));
    };
    await until(look, { ...PATIENCE, message });
  }

  states(): Promise<[string, ClientState][]> {
    return this.ask({ kind: 'states', fleet: this.fleet });
  }

  async close(): Promise<void> {
    await this.ask({ kind: 'close', fleet: this.fleet });
    await this.proxy?.stop();
    const running = [this.publisher, ...this.processes].filter((node) => node?.isRunning);
    await Promise.all(running.map((node) => node!.kill()));
  }

  private ask<Reply>(request: LibrariesRequest): Promise<Reply> {
    return this.options.libraries.request<Reply>(request);
  }
}
