import { RedisServer, TcpProxy, until, type AdapterName } from '@nestjs-sse-redis/testing';
import type { SseRedisOptions } from 'nestjs-sse-redis';
import { AppNode } from './app-node.js';

/** Short times, so that a failure is found, and over, within a second or two. */
export const FAST: SseRedisOptions = {
  probeInterval: 200,
  auditInterval: 600,
  heartbeatInterval: 500,
  publishTimeout: 1_000,
  retry: 50,
  history: { maxLength: 20_000 },
  limits: { bufferedBytes: 65_536 },
  drain: { timeout: 1_000 },
};

export interface DeploymentOptions {
  readonly nodes?: number;
  readonly options?: SseRedisOptions;
  /** Arguments of Node itself, as `--import` of a module that takes a protection away. */
  readonly execArgv?: string[];
}

/** One node of the application, and the proxy between it and Redis. Its process may be replaced by another. */
export class DeployedNode extends AppNode {
  static async start(
    name: string,
    adapter: AdapterName,
    redis: RedisServer,
    { options, execArgv }: DeploymentOptions,
  ): Promise<DeployedNode> {
    const proxy = await TcpProxy.start({ target: redis.port });
    const all = { redis: `redis://127.0.0.1:${proxy.port}`, ...FAST, ...options };
    const node = new DeployedNode(name, adapter, proxy, all, execArgv);
    await node.restart();
    return node;
  }

  private constructor(
    name: string,
    adapter: AdapterName,
    readonly proxy: TcpProxy,
    options: SseRedisOptions,
    execArgv: string[] | undefined,
  ) {
    super(name, adapter, options, execArgv);
  }

  /** The connections on which it hears what is published. */
  get subscribers() {
    return this.proxy.connections.filter(({ head }) => /subscribe\r\n/i.test(head));
  }
}

/** A Redis that keeps its data, and some nodes of one application, on Express and Fastify by turns. */
export class Deployment {
  static async start(deployment: DeploymentOptions = {}): Promise<Deployment> {
    // An append-only file that is written before anything is answered or announced: a crash takes back no event.
    const redis = await RedisServer.start({ persistence: true });
    const nodes = await Promise.all(
      Array.from({ length: deployment.nodes ?? 3 }, (_, i) =>
        DeployedNode.start(`node ${i}`, i % 2 === 0 ? 'express' : 'fastify', redis, deployment),
      ),
    );
    return new Deployment(redis, nodes);
  }

  private constructor(
    readonly redis: RedisServer,
    readonly nodes: readonly DeployedNode[],
  ) {}

  get living(): readonly DeployedNode[] {
    return this.nodes.filter(({ isUp }) => isUp);
  }

  /** One command for Redis, as soon as it takes it. */
  async admin(command: string, ...args: (string | number)[]): Promise<unknown> {
    const reply = await until(async () => ({ value: await this.redis.cli(command, ...args) }), {
      message: `Redis takes ${command} ${args.join(' ')}`,
      timeout: 60_000,
    });
    return reply.value;
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill('SIGKILL')));
    await Promise.all(this.nodes.map(({ proxy }) => proxy.stop()));
    await this.redis.stop();
  }
}
