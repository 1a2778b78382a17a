import type { Sizes } from '../sizes.js';
import { HANDWRITTEN, HUBS } from './peer-groups.js';
import type { Task } from './task.js';
import { withSession } from './with-session.js';

const SIZE = 256;
const INTERVAL = 100;

/** Two processes, each with half of the clients: only what brings a Redis transport along. */
export function processes({ processes: size, warmUp }: Sizes): Task {
  return {
    title: `two processes with ${size.clients} clients`,
    peers: [...HUBS, ...HANDWRITTEN, 'transmit'],
    run: (bench, peer) =>
      withSession(bench, peer, { channels: 'shared', processes: 2 }, async (session) => {
        await session.connect(size.clients);
        await session.warmUp(SIZE, warmUp);
        await session.timeEvents();
        const window = await session.measure(() => session.paced(size.events, INTERVAL));
        const { p50, p99 } = await session.latency();
        const workload = 'processes';
        return [
          { workload, figure: 'cpu', value: window.cpu / window.deliveries },
          { workload, figure: 'p50', value: p50 },
          { workload, figure: 'p99', value: p99 },
        ];
      }),
  };
}
