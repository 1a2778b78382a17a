import {
  AppProcess,
  assertWhole,
  isHubEvent,
  Random,
  ReconnectingClient,
  RedisServer,
  until,
} from '@nestjs-sse-redis/testing';
import type { ChannelEventInput } from 'nestjs-sse-redis';
import { parseEventId } from '../../src/event/position.js';

const CHANNELS = ['news', 'sport', 'user:1', 'user:2', 'order:7', 'room:a', 'room:b', 'quiet'];
const CLIENTS = 40;
const EVENTS = 3_000;
const REFUSAL = '{"code":"REDIS_UNAVAILABLE"}';

/** Several processes of one application on one Redis, and clients all over them. */
class Deployment {
  private published: { id: string; channel: string }[] = [];
  private clients: { channels: string[]; client: ReconnectingClient }[] = [];

  static async start(): Promise<Deployment> {
    const deployment = new Deployment(await RedisServer.start());
    await Promise.all(['express', 'fastify', 'express'].map((adapter) => deployment.startNode(adapter)));
    return deployment;
  }

  private readonly nodes: AppProcess[] = [];
  private random!: Random;

  private constructor(readonly redis: RedisServer) {}

  get living(): AppProcess[] {
    return this.nodes.filter((node) => node.isRunning);
  }

  async startNode(adapter: string): Promise<AppProcess> {
    const options = { redis: this.redis.url, history: { maxLength: 10_000 } };
    const node = await AppProcess.start(new URL('./node.process.ts', import.meta.url), {
      args: [adapter, JSON.stringify(options)],
    });
    this.nodes.push(node);
    return node;
  }

  /** Clients that are on some of the channels each, and come back at any of the living processes. */
  async connect(count: number, random: Random): Promise<void> {
    this.random = random;
    for (let i = 0; i < count; i++) {
      const channels = random.shuffle(CHANNELS).slice(0, 1 + random.int(CHANNELS.length - 1));
      const pickUrl = () => `${random.pick(this.living).url}/streams?channels=${channels.join(',')}`;
      this.clients.push({ channels, client: ReconnectingClient.start({ pickUrl }, { maxRetry: 20 }) });
    }
    // Each knows where it stands, so that all that is published from now on is expected of it.
    await until(() => this.clients.every(({ client }) => client.lastEventId !== ''));
  }

  get received(): number {
    return this.clients.reduce((sum, { client }) => sum + client.events.length, 0);
  }

  async publish(node: AppProcess, events: ChannelEventInput[]): Promise<void> {
    const results = await node.request<({ id: string } | { error: string })[]>({ publish: events });
    results.forEach((result, i) => {
      if ('error' in result) throw new Error(result.error);
      this.published.push({ id: result.id, channel: events[i]!.channel });
    });
  }

  /** From all of these processes at once, in small batches, while clients come and go at random. */
  async publishFrom(nodes: readonly AppProcess[], count: number): Promise<void> {
    const each = Math.ceil(count / nodes.length);
    await Promise.all(
      nodes.map(async (node) => {
        for (let sent = 0; sent < each;) {
          const batch = Array.from({ length: Math.min(1 + this.random.int(10), each - sent) }, (_, i) => ({
            channel: this.random.pick(CHANNELS.slice(0, -1)),
            type: 'tick',
            data: { node: node.pid, n: sent + i },
          }));
          sent += batch.length;
          await this.publish(node, batch);
          if (this.random.chance(0.2))
            void this.random
              .pick(this.clients)
              .client.drop()
              .catch(() => undefined);
        }
      }),
    );
  }

  expectedOf(channels: readonly string[]): string[] {
    return this.published
      .filter(({ channel }) => channels.includes(channel))
      .map(({ id }) => id)
      .sort((a, b) => parseEventId(a)! - parseEventId(b)!);
  }

  /** Every client has every event of its channels once, in order, and nothing else. */
  async expectWhole(): Promise<number> {
    const expected = this.clients.map(({ channels }) => this.expectedOf(channels));
    await until(() => this.clients.every(({ client }, i) => client.events.length >= expected[i]!.length), {
      timeout: 20_000,
      message: 'every client has as many events as are expected of it',
    }).catch(() => undefined);
    for (const [i, { client, channels }] of this.clients.entries()) {
      if (client.failure) throw client.failure;
      const name = `client ${i} on ${channels.join(', ')}`;
      assertWhole(expected[i]!, client.eventIds, name);
      // A client that comes back while Redis is away, to a channel that nobody there is on, is refused.
      const others = client.ledger.filter((message) => isHubEvent(message));
      for (const { type, data } of others) expect([name, type, data]).toEqual([name, 'error', REFUSAL]);
      const strange = client.events.filter(({ type }) => type !== 'tick');
      expect([name, ...strange]).toEqual([name]);
    }
    return this.clients.reduce((sum, { client }) => sum + client.connections, 0);
  }

  /** Without its clients, and what was published for them. */
  async clear(): Promise<void> {
    await Promise.all(this.clients.map(({ client }) => client.stop()));
    this.clients = [];
    this.published = [];
  }

  async stop(): Promise<void> {
    await this.clear();
    await Promise.all(this.living.map((node) => node.kill()));
    await this.redis.stop();
  }
}

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

// One deployment for all tests, as processes take long to start: each leaves three processes that live.
describe(`three processes, ${CLIENTS} clients`, () => {
  let deployment: Deployment;

  beforeAll(async () => {
    deployment = await Deployment.start();
  });
  beforeEach(() => deployment.connect(CLIENTS, new Random(seed)), 60_000);
  afterEach(() => deployment.clear(), 30_000);
  afterAll(() => deployment.stop(), 30_000);

  // The seed is in the name of the test, so that a failure can be run again.
  it(`give every client its 3,000 events once and in order, wherever it reconnects (SEED=${seed})`, async () => {
    await deployment.publishFrom(deployment.living, EVENTS);
    const connections = await deployment.expectWhole();
    expect(connections).toBeGreaterThan(CLIENTS * 2);
  });

  it(`lose nothing when Redis cuts the subscriptions, again and again (SEED=${seed})`, async () => {
    const publishing = deployment.publishFrom(deployment.living, EVENTS);
    const admin = deployment.redis.client();
    let cuts = 0;
    const done = publishing.then(() => (cuts += 1_000));
    while (cuts < 5) {
      const before = deployment.received;
      cuts += Number(await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')) > 0 ? 1 : 0;
      await until(() => deployment.received > before + 500 || cuts > 100);
    }
    await done;
    await deployment.expectWhole();
  });

  it('find one lost event, one doubled, one out of order, one of another channel: the comparison can fail', async () => {
    await deployment.publishFrom(deployment.living, 100);
    await deployment.expectWhole();
    const expected = deployment.expectedOf(CHANNELS);
    expect(() => assertWhole(expected, expected.slice(1))).toThrow(/lost 1/);
    expect(() => assertWhole(expected, [...expected, expected[0]!])).toThrow(/doubled 1/);
    expect(() => assertWhole(expected, [expected[1]!, expected[0]!, ...expected.slice(2)])).toThrow(
      /reordered 1/,
    );
    expect(() => assertWhole(expected, [...expected, '1-0'])).toThrow(/foreign 1/);
  });

  it(`lose nothing when a process is killed while its clients are sent events (SEED=${seed})`, async () => {
    const [killed, ...others] = deployment.living as [AppProcess, ...AppProcess[]];
    const publishing = deployment.publishFrom(others, EVENTS);
    await until(() => deployment.received > 5_000);
    await killed.kill('SIGKILL');
    await deployment.startNode('fastify');
    await publishing;
    await deployment.expectWhole();
  });

  it(`lose nothing when processes are shut down in good order, one after the other (SEED=${seed})`, async () => {
    const [first, second, third] = deployment.living as [AppProcess, AppProcess, AppProcess];
    const publishing = deployment.publishFrom([third], EVENTS);
    await until(() => deployment.received > 5_000);
    for (const node of [first, second]) {
      await deployment.startNode('express');
      // Nest ends by sending itself the signal again, after all hooks have run.
      expect(await node.kill('SIGTERM')).toMatchObject({ signal: 'SIGTERM' });
    }
    await publishing;
    await deployment.expectWhole();
  });
});
