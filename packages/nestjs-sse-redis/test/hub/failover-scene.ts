import { RedisServer, TcpProxy, until, type SseStream } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import type { SseRedisOptions } from 'nestjs-sse-redis';
import { Hubs, type TestHub } from './hubs.js';

export const replicaOf = ({ port }: RedisServer): string[] => [
  ...['--replicaof', '127.0.0.1', String(port)],
  ...['--repl-diskless-sync-delay', '0'],
];

/** A hub whose Redis is replaced by its replica, and lives on: the hub hears of it when its name leads elsewhere. */
export class FailoverScene {
  private constructor(
    private readonly hubs: Hubs,
    readonly next: RedisServer,
    readonly proxy: TcpProxy,
    readonly prefix: string,
    readonly test: TestHub,
    private readonly options: SseRedisOptions,
  ) {}

  static async start(hubs: Hubs, options: SseRedisOptions = {}): Promise<FailoverScene> {
    await hubs.redis.cli('CONFIG', 'SET', 'repl-diskless-sync-delay', 0);
    const next = await RedisServer.start({ args: replicaOf(hubs.redis) });
    hubs.closeLater(() => next.stop());
    const proxy = await TcpProxy.start({ target: hubs.redis.port });
    hubs.closeLater(() => proxy.stop());
    const prefix = randomUUID();
    const test = await hubs.start({ ...options, redis: `redis://127.0.0.1:${proxy.port}`, prefix });
    return new FailoverScene(hubs, next, proxy, prefix, test, options);
  }

  /** The replica has all so far, and becomes a master of its own. Nobody is told. */
  async promote(): Promise<void> {
    await until(async () => (await offsetOf(this.next)) === (await offsetOf(this.hubs.redis)));
    await this.next.cli('REPLICAOF', 'NO', 'ONE');
  }

  /** Another process of the hub, which is connected to the new server. */
  joinNew(): Promise<TestHub> {
    return this.hubs.start({ ...this.options, redis: this.next.url, prefix: this.prefix });
  }

  /** The name leads to the new server from now on. */
  async switchOver(): Promise<void> {
    const { next, proxy, test } = this;
    const subscriptions = async () => ((await next.cli('PUBSUB', 'CHANNELS', '*')) as string[]).length;
    const before = await subscriptions();
    proxy.target = next.port;
    proxy.cut();
    await until(async () => (await subscriptions()) > before);
    await until(() => test.hub.stats().linkUp);
  }
}

export async function offsetOf(server: RedisServer): Promise<string> {
  return /(?:master|slave)_repl_offset:(\d+)/.exec(String(await server.cli('INFO', 'replication')))![1]!;
}

export async function publish({ hub }: TestHub, channel: string, data: number): Promise<string> {
  return (await hub.publish(channel, { type: 'n', data })).id;
}

/** The numbers that were published, and the gaps. */
export function told(messages: SseStream['messages']): (number | { channel: string; to: string })[] {
  return messages.flatMap(({ type, data }) => {
    if (type === 'gap') return gapOf(data);
    return type === 'n' ? Number(data) : [];
  });
}

function gapOf(data: string): { channel: string; to: string } {
  const { channel, to } = JSON.parse(data) as { channel: string; to: string };
  // The position: its line is that of who tells.
  return { channel, to: to.split('.')[0]! };
}

/** Two processes of a hub whose data have forked, anew for each test. */
export class Fork {
  readonly hubs = Hubs.over('redis');
  scene!: FailoverScene;
  /** Connected to the old server until it is switched over. */
  old!: TestHub;
  /** Connected to the new server. */
  present!: TestHub;

  /** To be called at the top of a file. */
  static use(options?: SseRedisOptions): Fork {
    const fork = new Fork();
    beforeEach(async () => {
      fork.scene = await FailoverScene.start(fork.hubs, options);
      fork.old = fork.scene.test;
    });
    return fork;
  }

  /** Both servers go on from here, and give out positions of the same time. */
  async begin(): Promise<void> {
    await publish(this.old, 'news', 1);
    await this.split();
  }

  /** The same, without an event before. */
  async split(): Promise<void> {
    await this.scene.promote();
    this.present = await this.scene.joinNew();
  }
}
