import { AppProcess, Random, RedisServer, type AdapterName } from '@nestjs-sse-redis/testing';
import type { ChannelEventInput } from 'nestjs-sse-redis';

/** Two processes of the application for tests of the client, on one Redis. */
export class Deployment {
  /** The ids of what was published, by channel. */
  readonly published = new Map<string, string[]>();
  private readonly nodes: AppProcess[] = [];

  static async start(): Promise<Deployment> {
    const deployment = new Deployment(await RedisServer.start());
    await Promise.all([deployment.startNode('express'), deployment.startNode('fastify')]);
    return deployment;
  }

  private constructor(private readonly redis: RedisServer) {}

  get living(): AppProcess[] {
    return this.nodes.filter(({ isRunning }) => isRunning);
  }

  async startNode(adapter: AdapterName): Promise<void> {
    const options = { redis: this.redis.url, history: { maxLength: 10_000 }, retry: 50 };
    this.nodes.push(
      await AppProcess.start(new URL('../fixtures/stream.process.ts', import.meta.url), {
        args: [adapter, JSON.stringify(options)],
      }),
    );
  }

  /** Of a process that lives, another one each time. */
  pickUrl(random: Random): string {
    return random.pick(this.living).url;
  }

  async publish(...events: ChannelEventInput[]): Promise<void> {
    const ids = await this.living[0]!.request<string[]>(events);
    ids.forEach((id, i) => {
      const channel = events[i]!.channel;
      this.published.set(channel, [...(this.published.get(channel) ?? []), id]);
    });
  }

  /** Removes a key of the channel `board:<id>`. */
  async remove(board: string, key: string): Promise<void> {
    await this.living[0]!.request({ remove: key, board });
  }

  async stop(): Promise<void> {
    await Promise.all(this.living.map((node) => node.kill()));
    await this.redis.stop();
  }
}
