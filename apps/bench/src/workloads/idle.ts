import type { Sizes } from '../sizes.js';
import { HUBS, WITH_HTTP } from './peer-groups.js';
import type { Figure, Task } from './task.js';
import { withSession } from './with-session.js';

const SIZE = 256;

/**
 * What a connection costs that nothing is sent to: the growth from the first thousand to ten thousand, which leaves out what a
 * process needs to get going. The hub also broadcasts to them then, for the picture of growth.
 */
export function idle({ idle: size }: Sizes): Task {
  return {
    title: `${size.clients} idle connections`,
    peers: WITH_HTTP,
    run: (bench, peer) =>
      withSession(bench, peer, { clients: size.clients, channels: 'shared' }, async (session) => {
        await session.connect(size.base);
        const base = await session.memory();
        await session.connect(size.clients);
        const bytes = (await session.memory()) - base;
        const figures: Figure[] = [
          { workload: 'idle', figure: 'memory', value: bytes / 1024 / (size.clients - size.base) },
        ];
        await session.warmUp(SIZE, HUBS.includes(peer.name) ? 2 : 0);
        if (HUBS.includes(peer.name)) {
          const { cpu, deliveries } = await session.measure(() =>
            session.paced(size.events, size.clients / 20),
          );
          figures.push({ workload: `connections-${size.clients}`, figure: 'cpu', value: cpu / deliveries });
        }
        return figures;
      }),
  };
}
