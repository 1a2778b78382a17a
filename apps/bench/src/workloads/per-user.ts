import type { PeerName } from '../servers/peer-names.js';
import type { Sizes } from '../sizes.js';
import { DELIVERING } from './peer-groups.js';
import type { Figure, Task } from './task.js';
import { withSession } from './with-session.js';

const SIZE = 256;
const PER_TICK = 100;
const INTERVAL = 10;

/** At ten thousand @boringnode/transmit, which looks through all clients for each event, would take as long as all others. */
const MOST_OF_TRANSMIT = 2000;

/** A channel for each client, and events for one after the other: with a few clients, then with more. */
export function perUser({ perUser: { clients, ticks }, warmUp }: Sizes): Task {
  return {
    title: `a channel for each client, ${clients.join(', ')} of them`,
    peers: DELIVERING,
    run: (bench, peer) =>
      withSession(bench, peer, { channels: 'own' }, async (session) => {
        const figures: Figure[] = [];
        for (const count of clientsOf(peer.name, clients)) {
          await session.connect(count);
          await session.warmUp(SIZE, warmUp);
          const window = await session.measure(() => session.paced(ticks, INTERVAL, PER_TICK));
          const workload = `per-user-${count}`;
          figures.push(
            { workload, figure: 'cpu', value: window.cpu / window.deliveries },
            { workload, figure: 'redis', value: window.redisCpu / window.deliveries },
          );
        }
        return figures;
      }),
  };
}

function clientsOf(peer: PeerName, clients: readonly number[]): readonly number[] {
  return peer === 'transmit' ? clients.filter((count) => count <= MOST_OF_TRANSMIT) : clients;
}
