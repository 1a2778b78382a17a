// Feeds of a process of its own, since in one that runs tests the memory is also theirs. Started with --expose-gc.
import { announceReady, serveRequests } from '@nestjs-sse-redis/testing/child';
import { RedisBroker } from '../../src/broker/redis/redis-broker.js';
import type { Feed } from '../../src/delivery/feed.js';
import { Feeds } from '../../src/delivery/feeds.js';
import { HubCounters } from '../../src/delivery/hub-counters.js';
import { SocketGroup } from '../../src/response/socket-group.js';
import { resolveOptions } from '../../src/options/resolved-options.js';

export type FeedsRequest =
  | { readonly kind: 'acquire'; readonly prefix: string; readonly count: number }
  /** `leaves`: whether Redis is told of it. */
  | { readonly kind: 'release'; readonly leaves: boolean }
  | { readonly kind: 'state' };

export interface FeedsState {
  /** Bytes of the heap and of buffers that are in use. */
  readonly memory: number;
  readonly feeds: number;
}

const [, , redis] = process.argv;
// Rarely probed: a machine that is busy with so many at once may answer late, which is not what this is about.
const options = resolveOptions({ redis: redis!, prefix: 'many', probeInterval: 120_000 });
const broker = new RedisBroker(options.redis!, options, 'node');
const feeds = new Feeds(broker, new HubCounters(), () => new SocketGroup());
feeds.link.up = true;
await broker.start({
  announced: (channel, record) => feeds.announced(channel, record),
  watermark: (position) => feeds.watermark(position),
  message: () => undefined,
  linkLost: () => feeds.linkLost(),
  linkRestored: (position) => feeds.linkRestored(position),
});
const unsubscribe = broker.unsubscribe.bind(broker);
let held: Feed[] = [];

async function collect(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    globalThis.gc!();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function answer(request: FeedsRequest): Promise<FeedsState> {
  if (request.kind === 'acquire') {
    const { prefix, count } = request;
    ({ feeds: held } = await feeds.acquire(Array.from({ length: count }, (_, i) => `${prefix}:${i}`)));
  }
  if (request.kind === 'release') {
    broker.unsubscribe = request.leaves ? unsubscribe : () => undefined;
    for (const feed of held.splice(0)) feeds.release(feed);
  }
  await collect();
  const { heapUsed, external } = process.memoryUsage();
  return { memory: heapUsed + external, feeds: feeds.size };
}

serveRequests((message) => answer(message as FeedsRequest));
announceReady(0);
