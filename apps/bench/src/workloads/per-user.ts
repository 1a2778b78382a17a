import type { PeerName } from '../servers/peer-names.js';
import type { Sizes } from '../sizes.js';
import { DELIVERING, HUBS } from './peer-groups.js';
import { each, inTurns, sideBySide } from './sessions.js';
import type { Task } from './task.js';

const SIZE = 256;
const PER_TICK = 100;
const INTERVAL = 10;

/** With more clients than this only the hub and the floor: whether it stays the same. To connect all others would take as long as everything else. */
const MOST_OF_ALL = 2000;
const OF_MANY: ReadonlySet<PeerName> = new Set(['net', ...HUBS]);

/** A channel for each client, and events for one after the other: with a few clients, then with more. */
export function perUser({ perUser: { clients, warmUp, turns, ticks } }: Sizes): Task {
  return {
    title: `a channel for each client, ${clients.join(', ')} of them`,
    peers: DELIVERING,
    run: sideBySide({ channels: 'own' }, async (sessions, report) => {
      for (const [stage, count] of clients.entries()) {
        const measured = sessions.filter(({ peer }) => count <= MOST_OF_ALL || OF_MANY.has(peer.name));
        await each(measured, (session) => session.connect(count));
        // The first time until memory that is written to for the first time no longer costs anything.
        await each(measured, (session) => session.warmUp(SIZE, stage === 0 ? warmUp : Math.ceil(warmUp / 4)));
        const windows = await inTurns(
          measured,
          turns,
          (session) => session.paced(ticks, INTERVAL, PER_TICK),
          {
            turns: 1,
            each: (session) => session.paced(2, INTERVAL, PER_TICK),
          },
        );
        for (const [session, { cpu, redisCpu, deliveries }] of windows) {
          const workload = `per-user-${count}`;
          report(session.peer, [
            { workload, figure: 'cpu', value: cpu / deliveries },
            { workload, figure: 'redis', value: redisCpu / deliveries },
          ]);
        }
      }
    }),
  };
}
