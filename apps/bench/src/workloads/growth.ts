import type { Sizes } from '../sizes.js';
import { HUBS } from './peer-groups.js';
import type { Session } from './session.js';
import type { Figure, Task } from './task.js';
import { oneByOne } from './sessions.js';

const SIZE = 256;
const FEWEST_EVENTS = 12;
const PER_TICK = 100;
const INTERVAL = 10;
/** With these many, what more cost is compared. */
const USUAL = 1000;

/**
 * What a delivery costs with more and more connections, and with more and more channels. One process after the other
 * would be measured at different moments of a noisy machine: so it is one, to which more come.
 */
export function growth(sizes: Sizes): Task[] {
  return [connections(sizes), channels(sizes)];
}

/** All on one channel. */
function connections({ growth: { connections: counts, deliveries }, warmUp }: Sizes): Task {
  return {
    title: `growth: broadcast to ${counts.join(', ')} connections`,
    peers: HUBS,
    run: oneByOne({ channels: 'shared' }, (session) =>
      ofEach('connections', counts, async (count) => {
        await session.connect(count);
        // With the most of them, too, until the kernel's memory for what is under way was written to.
        await session.warmUp(SIZE, warmUp);
        const events = Math.max(FEWEST_EVENTS, Math.ceil(deliveries / count));
        return perDelivery(session, () => session.paced(events, Math.max(10, count / 40)));
      }),
    ),
  };
}

/**
 * A client for each channel that events are sent to, at most a thousand. More channels are those of a thousand clients more, to
 * which nothing is sent.
 */
function channels({ growth: { channels: counts }, perUser: { warmUp, turns, ticks } }: Sizes): Task {
  return {
    title: `growth: ${counts.join(', ')} channels`,
    peers: HUBS,
    run: oneByOne({ channels: 'own' }, (session) =>
      ofEach('channels', counts, async (count) => {
        await session.connect(Math.min(USUAL, count));
        if (count > USUAL) await session.addIdle(USUAL, count / USUAL - 1);
        await session.warmUp(SIZE, count === counts[0] ? warmUp : Math.ceil(warmUp / 4));
        return perDelivery(session, () => session.paced(turns * ticks, INTERVAL, PER_TICK));
      }),
    ),
  };
}

/** Measures each number, and what the largest costs beside the usual. */
async function ofEach(
  what: string,
  counts: readonly number[],
  measure: (count: number) => Promise<number>,
): Promise<Figure[]> {
  const costs = new Map<number, number>();
  for (const count of counts) costs.set(count, await measure(count));
  const counters = [...costs].map(([count, value]): Figure => ({
    workload: `${what}-${count}`,
    figure: 'cpu',
    value,
  }));
  const usual = costs.get(USUAL);
  const largest = Math.max(...counts);
  if (usual !== undefined && largest > USUAL) {
    const value = (costs.get(largest) as number) / usual;
    counters.push({ workload: `${what}-${largest}`, figure: 'growth', value });
  }
  return counters;
}

async function perDelivery(session: Session, body: () => Promise<void>): Promise<number> {
  const { cpu, deliveries } = await session.measure(body);
  return cpu / deliveries;
}
