import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { BenchRedis } from './redis.js';

const MASTERS = 3;
const SLOTS = 16_384;
/** Redis waits two seconds before a new cluster serves. */
const READY_WITHIN_MS = 30_000;

/** A Redis Cluster of three masters without replicas, of the bench's own. */
export class BenchCluster {
  static async start(binary: string): Promise<BenchCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'bench-cluster-'));
    const masters = await Promise.all(
      Array.from({ length: MASTERS }, (_, i) =>
        BenchRedis.start(binary, {
          'cluster-enabled': 'yes',
          'cluster-config-file': join(folder, `nodes-${i}.conf`),
        }),
      ),
    );
    const cluster = new BenchCluster(masters, folder);
    await cluster.join();
    return cluster;
  }

  private constructor(
    readonly masters: readonly BenchRedis[],
    private readonly folder: string,
  ) {}

  get url(): string {
    return `redis+cluster://${this.masters.map(({ port }) => `127.0.0.1:${port}`).join()}`;
  }

  /** Microseconds of CPU that each master has used. */
  cpu(): Promise<number[]> {
    return Promise.all(this.masters.map((master) => master.cpu()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.masters.map((master) => master.stop()));
    await rm(this.folder, { recursive: true, force: true });
  }

  private async join(): Promise<void> {
    const [first, ...others] = this.masters;
    const limit = (i: number): number => Math.ceil((i * SLOTS) / MASTERS);
    for (const [i, master] of this.masters.entries())
      await master.command('CLUSTER', 'ADDSLOTSRANGE', limit(i), limit(i + 1) - 1);
    for (const { port, busPort } of others)
      await first!.command('CLUSTER', 'MEET', '127.0.0.1', port, busPort);
    const deadline = performance.now() + READY_WITHIN_MS;
    while (!(await this.isReady())) {
      if (performance.now() > deadline) throw new Error('the cluster of the bench is not ready in time');
      await pause(50);
    }
  }

  private async isReady(): Promise<boolean> {
    const infos = await Promise.all(this.masters.map((master) => master.command('CLUSTER', 'INFO')));
    return infos.every((info) => /cluster_state:ok[^]*cluster_known_nodes:3/.test(String(info)));
  }
}
