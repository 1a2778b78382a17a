import { RedisServer } from './redis-server.js';
import { inSync } from './replication.js';
import { until } from './until.js';

const NAME = 'main';
const SENTINELS = 3;

export interface TestSentinelOptions {
  /** Default: 1. */
  replicas?: 1 | 2;
  /** After how many ms without an answer Sentinel takes a server for gone. Default: 1000. */
  downAfter?: number;
  /** More arguments for the Redis servers. */
  args?: string[];
}

/**
 * A master, its replicas and three Sentinels of the test's own, on the loopback interface.
 *
 * @example
 * ```ts
 * const sentinel = await TestSentinel.start();
 * startApp(newsModule({ redis: sentinel.connection }));
 * await sentinel.failover();
 * await sentinel.stop();
 * ```
 */
export class TestSentinel {
  /** All is ready: replicas are in sync, and each Sentinel knows them and the other Sentinels. */
  static async start({
    replicas = 1,
    downAfter = 1_000,
    args = [],
  }: TestSentinelOptions = {}): Promise<TestSentinel> {
    const redisArgs = ['--repl-diskless-sync-delay', '0', ...args];
    const servers = [await RedisServer.start({ args: redisArgs })];
    const sentinel = new TestSentinel(servers, []);
    try {
      const [master] = servers as [RedisServer];
      const replicaArgs = [...redisArgs, '--replicaof', '127.0.0.1', String(master.port)];
      for (let i = 0; i < replicas; i++) servers.push(await RedisServer.start({ args: replicaArgs }));
      // Sentinel learns of replicas at once from those that are there, and of later ones after ten seconds.
      await Promise.all(servers.slice(1).map((server) => inSync(server)));
      const config = toConfig(master.port, downAfter);
      const starts = Array.from({ length: SENTINELS }, () =>
        RedisServer.start({ config, args: ['--sentinel'] }),
      );
      sentinel.sentinels.push(...(await Promise.all(starts)));
      await Promise.all(sentinel.sentinels.map((one) => knowsAll(one, replicas)));
      return sentinel;
    } catch (error) {
      await sentinel.stop();
      throw error;
    }
  }

  private constructor(
    /** The master of the start, then its replicas. */
    readonly servers: RedisServer[],
    readonly sentinels: RedisServer[],
  ) {}

  /** For the `redis` option. */
  get connection(): { sentinels: { host: string; port: number }[]; name: string } {
    return { sentinels: this.sentinels.map(({ port }) => ({ host: '127.0.0.1', port })), name: NAME };
  }

  /** The master that most Sentinels name. */
  async master(): Promise<RedisServer> {
    const ports = await Promise.all(this.sentinels.map((sentinel) => getMasterPort(sentinel)));
    const port = ports.find((one) => ports.filter((other) => other === one).length > SENTINELS / 2);
    const master = this.servers.find((server) => server.port === port);
    if (!master) throw new Error(`the Sentinels name the masters ${ports.join()}`);
    return master;
  }

  /** Sentinel's own planned failover, in which the old master lives on for about ten seconds. */
  async failover(): Promise<RedisServer> {
    const old = await this.master();
    await this.startFailover();
    return this.switched(old);
  }

  /** Begins it, and resolves before anything has changed. */
  async startFailover(): Promise<void> {
    await this.sentinels[0]!.cli('SENTINEL', 'FAILOVER', NAME);
  }

  /** Resolves with the new master when all Sentinels name it. */
  switched(old: RedisServer): Promise<RedisServer> {
    return this.#named(old, (ports) => ports.every((port) => port !== old.port && port === ports[0]));
  }

  /** Resolves with the new master when the first Sentinel names it; others may name the old one for two seconds. */
  elected(old: RedisServer): Promise<RedisServer> {
    return this.#named(old, (ports) => ports.some((port) => port !== old.port));
  }

  async #named(old: RedisServer, isEnough: (ports: number[]) => boolean): Promise<RedisServer> {
    const port = await until(
      async () => {
        const ports = await Promise.all(this.sentinels.map((sentinel) => getMasterPort(sentinel)));
        return isEnough(ports) && ports.find((one) => one !== old.port);
      },
      { message: 'Sentinels name a new master', timeout: 60_000, interval: 20 },
    );
    return this.servers.find((server) => server.port === port)!;
  }

  async stop(): Promise<void> {
    await Promise.all(this.sentinels.map((sentinel) => sentinel.stop()));
    await Promise.all(this.servers.map((server) => server.stop()));
  }
}

function toConfig(port: number, downAfter: number): string {
  return [
    `sentinel monitor ${NAME} 127.0.0.1 ${port} 2`,
    `sentinel down-after-milliseconds ${NAME} ${downAfter}`,
    `sentinel failover-timeout ${NAME} 10000`,
    `sentinel parallel-syncs ${NAME} 2`,
    '',
  ].join('\n');
}

async function getMasterPort(sentinel: RedisServer): Promise<number> {
  const [, port] = (await sentinel.cli('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)) as [string, string];
  return Number(port);
}

async function knowsAll(sentinel: RedisServer, replicas: number): Promise<void> {
  const expected = { flags: 'master', 'num-slaves': String(replicas), 'num-other-sentinels': '2' };
  await until(
    async () => {
      const master = toRecord((await sentinel.cli('SENTINEL', 'MASTER', NAME)) as string[]);
      const slaves = (await sentinel.cli('SENTINEL', 'REPLICAS', NAME)) as string[][];
      return (
        Object.entries(expected).every(([key, value]) => master[key] === value) &&
        slaves.map(toRecord).every((slave) => slave['master-link-status'] === 'ok')
      );
    },
    { message: `the Sentinel on port ${sentinel.port} knows all others`, timeout: 30_000 },
  );
}

/** A reply of names and values in turn; RESP3 has an object. */
function toRecord(reply: string[] | Record<string, string>): Record<string, string> {
  if (!Array.isArray(reply)) return reply;
  return Object.fromEntries(
    Array.from({ length: reply.length / 2 }, (_, i) => [reply[2 * i]!, reply[2 * i + 1]!]),
  );
}
