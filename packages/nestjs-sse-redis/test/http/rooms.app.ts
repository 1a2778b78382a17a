import { SseHub, SseRegistry, type SseRedisOptions } from 'nestjs-sse-redis';
import {
  RedisServer,
  SseStream,
  startApp,
  type AdapterName,
  type RunningApp,
} from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { roomsModule } from './rooms.module.js';

/** One process of the application. (Several in one process of the test are as many nodes to Redis.) */
export class RoomsNode {
  readonly hub: SseHub;
  readonly registry: SseRegistry;

  constructor(readonly running: RunningApp) {
    this.hub = running.app.get(SseHub);
    this.registry = running.app.get(SseRegistry);
  }
}

/** Some nodes of one application on a Redis of their own, and clients of them. All is closed with `stop`. */
export class Rooms {
  readonly nodes: RoomsNode[] = [];
  readonly redis: RedisServer | undefined;
  readonly prefix = randomUUID();
  private readonly streams: SseStream[] = [];

  constructor(
    private readonly adapter: AdapterName,
    redis: RedisServer | undefined,
    private readonly options: SseRedisOptions = {},
  ) {
    this.redis = redis;
  }

  static async start(
    adapter: AdapterName,
    redis: RedisServer | undefined,
    options: SseRedisOptions = {},
    nodes = 2,
  ): Promise<Rooms> {
    const rooms = new Rooms(adapter, redis, options);
    for (let i = 0; i < nodes; i++) await rooms.addNode();
    return rooms;
  }

  async addNode(options: SseRedisOptions = {}): Promise<RoomsNode> {
    const module = roomsModule({
      prefix: this.prefix,
      ...(this.redis && { redis: this.redis.url }),
      ...this.options,
      ...options,
    });
    const node = new RoomsNode(await startApp(module, this.adapter));
    this.nodes.push(node);
    return node;
  }

  /** A stream that may be refused. */
  stream(node: RoomsNode, channels: string, options: ClientOptions = {}): SseStream {
    const url = new URL(`${node.running.url}/rooms`);
    url.searchParams.set('channels', channels);
    for (const [name, value] of Object.entries(options.query ?? {})) url.searchParams.set(name, value);
    const stream = SseStream.open(url, {
      lastEventId: options.lastEventId,
      headers: { ...(options.user !== undefined && { 'x-user': options.user }), ...options.headers },
    });
    stream.opened.catch(() => undefined);
    this.streams.push(stream);
    return stream;
  }

  /** A stream that has begun, and the id of its connection. */
  async client(
    node: RoomsNode,
    channels: string,
    options: ClientOptions = {},
  ): Promise<{ stream: SseStream; id: string }> {
    // The id is in the registry before the first block is sent.
    const before = new Set(
      (await node.registry.list({ node: node.hub.nodeId })).connections.map(({ id }) => id),
    );
    const stream = this.stream(node, channels, options);
    await stream.waitForBlock(({ id }) => id !== undefined);
    const { connections } = await node.registry.list({ node: node.hub.nodeId });
    return { stream, id: connections.find(({ id }) => !before.has(id))!.id };
  }

  async stop(): Promise<void> {
    await Promise.all(this.streams.map((stream) => stream.close()));
    await Promise.all(this.nodes.map(({ running }) => running.close()));
  }
}

export interface ClientOptions {
  readonly user?: string;
  readonly lastEventId?: string;
  readonly headers?: Record<string, string>;
  readonly query?: Record<string, string>;
}

/** The data of a stream's messages of one type; those without a type are `message`. */
export function dataOf(stream: SseStream, type = 'message'): unknown[] {
  return stream.messages
    .filter((message) => (message.type || 'message') === type)
    .map(({ data }) => parsed(data));
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}
