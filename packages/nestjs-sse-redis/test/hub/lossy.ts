import type { SseHub } from 'nestjs-sse-redis';
import type { Position } from '../../src/event/position.js';
import type { Feeds } from '../../src/hub/feeds.js';

/**
 * Has a hub hear nothing of the next event of a channel, as if its announcement had been lost on the way.
 *
 * @returns resolves when it was lost, with the position of the event
 */
export function loseNext(hub: SseHub, channel: string): Promise<Position> {
  const { feeds } = hub as unknown as { readonly feeds: Feeds };
  const announced = feeds.announced.bind(feeds);
  return new Promise((resolve) => {
    feeds.announced = (name, record) => {
      if (name !== channel || record.ephemeral) return announced(name, record);
      feeds.announced = announced;
      resolve(record.position);
    };
  });
}
