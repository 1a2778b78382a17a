import { Child } from '../processes/child.js';
import { Pool } from '../processes/pool.js';
import type { BenchRedis } from '../processes/redis.js';
import type { LoadMethods } from '../load/main.js';
import type { PublisherMethods } from '../publisher/main.js';
import { spreadName } from '../event/shards.js';
import type { PublisherName } from '../publisher/publisher.js';

const LOAD = new URL('../load/main.js', import.meta.url);
export const SERVER = new URL('../servers/main.js', import.meta.url);
export const PUBLISHER = new URL('../publisher/main.js', import.meta.url);

/** What all measurements share: Redis, and the load clients and publishers that sessions take, each in its own process. */
export class Bench {
  readonly loads = new Pool<LoadMethods>(() => Child.start(LOAD));
  readonly publishers: Record<PublisherName, Pool<PublisherMethods>>;
  private sessions = 0;

  /** @param profiles the folder for CPU profiles, if there are to be any */
  constructor(
    readonly redis: BenchRedis,
    readonly profiles?: string,
  ) {
    const pool = (name: PublisherName) =>
      new Pool<PublisherMethods>(() => Child.start(PUBLISHER, [name, redis.url]));
    this.publishers = {
      hub: pool('hub'),
      'hub-shards': pool('hub-shards'),
      plain: pool('plain'),
      transmit: pool('transmit'),
    };
  }

  /** Channels of one measurement are never those of another. */
  nextSession(): string {
    return spreadName(`s${++this.sessions}`);
  }

  async stop(): Promise<void> {
    await Promise.all([this.loads, ...Object.values(this.publishers)].map((pool) => pool.stop()));
  }
}
