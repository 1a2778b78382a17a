import type { Sizes } from '../sizes.js';
import { DELIVERING } from './peer-groups.js';
import type { Session } from './session.js';
import type { Figure, Task } from './task.js';
import { oneByOne } from './sessions.js';

const SMALL = 256;
const LARGE = 1024;
/** Rounds of large events: the way of an event is warm by then, larger buffers are not. */
const LARGE_WARM_UP = 5;
const BURST = 10;
/** Events that are under way at once where as many as possible are sent. */
const UNDER_WAY = 40;

/** Everybody on one channel: at a steady pace, in bursts, and as fast as it goes. */
export function broadcast({ broadcast: size }: Sizes): Task {
  return {
    title: `broadcast to ${size.clients} clients`,
    peers: DELIVERING,
    run: oneByOne({ channels: 'shared' }, async (session) => {
      await session.connect(size.clients);
      await session.warmUp(SMALL, size.warmUp);
      const counters = await steady(session, SMALL, size.events, size.interval);
      await session.warmUp(LARGE, LARGE_WARM_UP);
      counters.push(...(await steady(session, LARGE, size.events, size.interval)));
      counters.push(...(await bursts(session, size.bursts)));
      await session.setSize(SMALL);
      counters.push(...(await saturation(session, size.floodMs)));
      return counters;
    }),
  };
}

async function steady(session: Session, size: number, events: number, interval: number): Promise<Figure[]> {
  const workload = `steady-${size}`;
  await session.timeEvents();
  const { cpu, deliveries } = await session.measure(() => session.paced(events, interval));
  const { p50, p99 } = await session.latency();
  return [
    { workload, figure: 'cpu', value: cpu / deliveries },
    { workload, figure: 'p50', value: p50 },
    { workload, figure: 'p99', value: p99 },
  ];
}

/** Ten events of a tick, and all of them delivered before the next ten. */
async function bursts(session: Session, count: number): Promise<Figure[]> {
  await session.burst(BURST);
  const { cpu, deliveries } = await session.measure(async () => {
    for (let burst = 0; burst < count; burst++) await session.burst(BURST);
  });
  return [{ workload: 'burst', figure: 'cpu', value: cpu / deliveries }];
}

async function saturation(session: Session, ms: number): Promise<Figure[]> {
  const { cpu, deliveries, seconds } = await session.measure(() => session.flood(ms, UNDER_WAY));
  return [
    { workload: 'saturation', figure: 'rate', value: deliveries / seconds },
    { workload: 'saturation', figure: 'busy', value: cpu / 1e6 / seconds },
  ];
}
