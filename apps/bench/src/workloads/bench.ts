import { Child } from '../processes/child.js';
import type { BenchRedis } from '../processes/redis.js';
import type { LoadMethods } from '../load/main.js';
import type { PublisherMethods } from '../publisher/main.js';
import type { PublisherName } from '../publisher/publisher.js';

const LOAD = new URL('../load/main.js', import.meta.url);
const PUBLISHER = new URL('../publisher/main.js', import.meta.url);

/** What all measurements share: Redis, the load client and the publishers, each in its own process. */
export class Bench {
  private sessions = 0;

  /** @param profiles the folder for CPU profiles, if there are to be any */
  static async start(redis: BenchRedis, profiles?: string): Promise<Bench> {
    const publisher = (name: PublisherName): Promise<Child<PublisherMethods>> =>
      Child.start(PUBLISHER, [name, redis.url]);
    const [load, hub, plain, transmit] = await Promise.all([
      Child.start<LoadMethods>(LOAD),
      publisher('hub'),
      publisher('plain'),
      publisher('transmit'),
    ]);
    return new Bench(redis, load, { hub, plain, transmit }, profiles);
  }

  private constructor(
    readonly redis: BenchRedis,
    readonly load: Child<LoadMethods>,
    readonly publishers: Record<PublisherName, Child<PublisherMethods>>,
    readonly profiles: string | undefined,
  ) {}

  /** Channels of one measurement are never those of another. */
  nextSession(): string {
    return `s${++this.sessions}`;
  }

  async stop(): Promise<void> {
    await Promise.all([this.load, ...Object.values(this.publishers)].map((child) => child.stop()));
  }
}
