import type { PeerName } from '../servers/peer-names.js';
import type { Sizes } from '../sizes.js';
import { DELIVERING, HANDWRITTEN, HUBS } from './peer-groups.js';
import type { Task } from './task.js';
import { withSession } from './with-session.js';

const SIZE = 256;
const PER_TICK = 100;
const INTERVAL = 10;

/** A channel for each client, and events for one after the other. */
export function perUser({ perUser: size, warmUp }: Sizes): Task[] {
  const task = (clients: number, peers: readonly PeerName[]): Task => ({
    title: `${clients} clients with a channel each`,
    peers,
    run: (bench, peer) =>
      withSession(bench, peer, { clients, channels: 'own' }, async (session) => {
        await session.connect();
        await session.warmUp(SIZE, warmUp);
        const window = await session.measure(() => session.paced(size.ticks, INTERVAL, PER_TICK));
        const workload = `per-user-${clients}`;
        return [
          { workload, figure: 'cpu', value: window.cpu / window.deliveries },
          { workload, figure: 'redis', value: window.redisCpu / window.deliveries },
        ];
      }),
  });
  return [
    task(size.clients, DELIVERING),
    ...size.others.map((clients) => task(clients, [...HUBS, ...HANDWRITTEN])),
  ];
}
