import type { Sizes } from '../sizes.js';
import { HANDWRITTEN, HUBS } from './peer-groups.js';
import { each, inTurns, sideBySide, together } from './sessions.js';
import type { Task } from './task.js';

const SIZE = 256;
const INTERVAL = 80;

/** Two processes, each with half of the clients: only what brings a Redis transport along. */
export function processes({ processes: { clients, turns, events }, warmUp }: Sizes): Task {
  return {
    title: `two processes with ${clients} clients`,
    peers: [...HUBS, ...HANDWRITTEN, 'transmit'],
    run: sideBySide({ channels: 'shared', processes: 2 }, async (sessions, report) => {
      await together(sessions, (session) => session.connect(clients));
      await each(sessions, (session) => session.warmUp(SIZE, warmUp));
      await each(sessions, (session) => session.timeEvents());
      const windows = await inTurns(sessions, turns, (session) => session.paced(events, INTERVAL), {
        turns: 0,
        each: (session) => session.burst(1),
      });
      const latencies = await each(sessions, (session) => session.latency());
      for (const [session, { cpu, deliveries }] of windows) {
        const { p50, p99 } = latencies.get(session)!;
        const workload = 'processes';
        report(session.peer, [
          { workload, figure: 'cpu', value: cpu / deliveries },
          { workload, figure: 'p50', value: p50 },
          { workload, figure: 'p99', value: p99 },
        ]);
      }
    }),
  };
}
