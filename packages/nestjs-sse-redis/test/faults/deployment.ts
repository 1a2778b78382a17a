import {
  AppProcess,
  RedisServer,
  TcpProxy,
  until,
  type AdapterName,
  type ProcessExit,
} from '@nestjs-sse-redis/testing';
import type { SseRedisOptions } from 'nestjs-sse-redis';
import type { NodeReply, NodeRequest } from './node-request.js';

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
export class DeployedNode {
  private process: AppProcess | undefined;
  private ended: Promise<unknown> = Promise.resolve();
  /** How many processes it has had. */
  starts = 0;

  static async start(
    name: string,
    adapter: AdapterName,
    redis: RedisServer,
    deployment: DeploymentOptions,
  ): Promise<DeployedNode> {
    const node = new DeployedNode(name, adapter, await TcpProxy.start({ target: redis.port }), deployment);
    await node.restart();
    return node;
  }

  private constructor(
    readonly name: string,
    private readonly adapter: AdapterName,
    readonly proxy: TcpProxy,
    private readonly deployment: DeploymentOptions,
  ) {}

  get isUp(): boolean {
    return this.process?.isRunning === true;
  }

  /** Resolves when the process that was killed last has ended. */
  get ending(): Promise<unknown> {
    return this.ended;
  }

  get url(): string {
    return this.process!.url;
  }

  get log(): string {
    return this.process?.stdout ?? '';
  }

  /** A new process, if none runs. Redis may be away at the moment: then it is tried again. */
  async restart(): Promise<void> {
    await this.ended;
    if (this.isUp) return;
    this.starts++;
    const options = { redis: `redis://127.0.0.1:${this.proxy.port}`, ...FAST, ...this.deployment.options };
    this.process = await until(
      () =>
        AppProcess.start(new URL('./node.process.ts', import.meta.url), {
          args: [this.adapter, JSON.stringify(options)],
          execArgv: this.deployment.execArgv,
        }),
      { timeout: 40_000, message: `${this.name} starts` },
    );
  }

  async kill(signal: NodeJS.Signals): Promise<ProcessExit | undefined> {
    const { process } = this;
    // From now on it is not taken for a living one, however long it takes to end.
    this.process = undefined;
    const exit = process?.kill(signal);
    this.ended = exit ?? Promise.resolve();
    return exit;
  }

  request(request: NodeRequest): Promise<NodeReply> {
    if (!this.process) return Promise.reject(new Error(`${this.name} is not running`));
    return this.process.request(request);
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
    const redis = await RedisServer.start({ persistence: true, args: ['--appendfsync', 'no'] });
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
