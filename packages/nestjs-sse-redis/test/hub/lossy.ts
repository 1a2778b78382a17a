import type { SseHub } from 'nestjs-sse-redis';
import type { Position } from '../../src/event/position.js';
import type { Shard } from '../../src/delivery/shards/shard.js';

/** Where channel `a` is. */
const inside = (hub: SseHub): Shard => hub['node'].shards.of('a');

/**
 * Has a hub hear nothing of the next event of a channel, as if its announcement had been lost on the way.
 *
 * @returns resolves when it was lost, with the position of the event
 */
export function loseNext(hub: SseHub, channel: string): Promise<Position> {
  const { feeds } = hub['node'].shards.of(channel);
  const announced = feeds.announced.bind(feeds);
  return new Promise((resolve) => {
    feeds.announced = (name, record) => {
      if (name !== channel || record.ephemeral) return announced(name, record);
      feeds.announced = announced;
      resolve(record.position);
    };
  });
}

/** Has a hub look at all its channels at once, instead of in its own time. */
export async function auditNow(hub: SseHub): Promise<void> {
  await inside(hub)['lossWatch']['audit'].finish();
}

/** How often the link of a hub was lost. */
export function linkLosses(hub: SseHub): number {
  return inside(hub).feeds.losses;
}
