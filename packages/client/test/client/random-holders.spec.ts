import { Random, until, useRedis } from '@nestjs-sse-redis/testing';
import { createClient, type Channel, type SseClient } from 'nestjs-sse-redis-client';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { StreamApp } from '../fixtures/stream.app.js';

/** `HOLDER_ROUNDS=200` is the long run. */
const ROUNDS = Number(process.env.HOLDER_ROUNDS ?? 8);
const STEPS = 60;

const redis = useRedis();
let app: StreamApp;
beforeAll(async () => {
  app = await StreamApp.start({ redis: redis.url });
});
afterAll(() => app.stop());

interface Holder {
  readonly name: string;
  readonly channel: Channel;
  /** The number of the event that has to be the first; undefined: any. */
  readonly first: number | undefined;
  /** The place of a client that was closed may be earlier than what its page had, and not later. */
  readonly isResumed: boolean;
  readonly got: number[];
}

/** A page of which parts come and go, with channels after ids of before, while its streams break and clients follow each other. */
class Page {
  /** The first is of the route. */
  private readonly names = Array.from({ length: 4 }, () => `room:${randomUUID()}`);
  /** The ids of a channel's events: of the number 1 first. */
  private readonly ids = new Map<string, string[]>(this.names.map((name) => [name, []]));
  private readonly holders: Holder[] = [];
  private living = new Set<Holder>();
  private client: SseClient;
  /** The last event of the route that any client has handed over. */
  private seen = 0;
  private readonly faults: string[] = [];

  constructor(private readonly random: Random) {
    this.client = this.connect();
  }

  async run(): Promise<readonly string[]> {
    const [route] = this.names;
    await until(async () => (await app.registry.count({ channel: route! })) === 1);
    let isOver = false;
    const flow = (async () => {
      while (!isOver) await this.publish(this.random.pick(this.names));
    })();
    for (let step = 0; step < STEPS; step++) {
      await pause(this.random.int(20));
      this.step();
    }
    isOver = true;
    await flow;
    for (const name of this.names) await this.publish(name);
    const isDone = ({ name, first, got }: Holder) =>
      // It may have begun behind the last.
      (first === undefined && got.length === 0) || got.includes(this.ids.get(name)!.length);
    await until(() => [...this.living].every(isDone));
    for (const holder of this.holders) this.check(holder);
    this.client.close();
    return this.faults;
  }

  private connect(lastEventId?: string): SseClient {
    const [route] = this.names;
    const client = createClient({
      ...{ url: app.streamUrl(route!), log: () => undefined, backoff: { min: 5, max: 50 } },
      ...(lastEventId !== undefined && { lastEventId }),
    });
    client.on('tick', (data, { channel }) => {
      if (channel === route && client === this.client) this.seen = Math.max(this.seen, data as number);
    });
    client.on('gap', (data) => this.faults.push(`gap ${JSON.stringify(data)}`));
    return client;
  }

  private async publish(name: string): Promise<void> {
    const ids = this.ids.get(name)!;
    const number = ids.length + 1;
    ids.push((await app.hub.publish(name, { type: 'tick', data: number })).id);
  }

  private step(): void {
    const { random, client } = this;
    const chance = random.next();
    if (chance < 0.35) {
      const name = random.pick(this.names);
      const ids = this.ids.get(name)!;
      const number = ids.length - random.int(30);
      if (number > 0 && random.chance(0.6)) this.hold(name, number + 1, ids[number - 1]);
      else this.hold(name);
    } else if (chance < 0.55 && this.living.size > 0) {
      const holder = random.pick([...this.living]);
      this.living.delete(holder);
      holder.channel.close();
    } else if (chance < 0.75) {
      client.reconnect();
    } else if (chance < 0.85 && this.seen > 0 && client.lastEventId !== undefined) {
      const { lastEventId } = client;
      this.living.clear();
      client.close();
      this.client = this.connect(lastEventId);
      this.hold(this.names[0]!, this.seen + 1);
    }
  }

  private hold(name: string, first?: number, after?: string): void {
    const channel = this.client.channel(name, after === undefined ? {} : { after });
    const got: number[] = [];
    const isResumed = first !== undefined && after === undefined;
    const holder: Holder = { name, channel, first, isResumed, got };
    channel.on('tick', (data) => got.push(data as number));
    this.holders.push(holder);
    this.living.add(holder);
  }

  private check({ name, first, isResumed, got }: Holder): void {
    const [start] = got;
    if (start === undefined) return;
    const isWhole = got.every((number, i) => number === start + i);
    const isRight = first === undefined || start === first || (isResumed && start < first);
    if (!isWhole || !isRight) this.faults.push(`${name} from ${first}: ${got.join()}`);
  }
}

it('hands over to each holder all of a channel once and in order, whatever others ask for and however clients follow each other', async () => {
  const seed = Number(process.env.HOLDER_SEED ?? new Random().seed);
  process.stdout.write(`HOLDER_SEED=${seed}\n`);
  for (let round = 0; round < ROUNDS; round += 4) {
    const pages = Array.from({ length: 4 }, (_, i) => new Page(new Random(seed + round + i)));
    const faults = await Promise.all(pages.map((page) => page.run()));
    expect(faults.flat()).toEqual([]);
  }
});
