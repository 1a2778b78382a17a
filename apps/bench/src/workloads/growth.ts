import type { Sizes } from '../sizes.js';
import { HUBS } from './peer-groups.js';
import type { Task } from './task.js';
import { withSession } from './with-session.js';

const SIZE = 256;
const DELIVERIES = 20_000;
const MOST_CLIENTS = 1000;
const PER_TICK = 100;

/** What a delivery costs on fewer connections than `idle` has, and on few and many channels. */
export function growth(sizes: Sizes): Task[] {
  return [
    ...sizes.growth.connections.map((count) => connections(sizes, count)),
    ...sizes.growth.channels.map((count) => channels(sizes, count)),
  ];
}

function connections({ warmUp, broadcast }: Sizes, clients: number): Task {
  const events = Math.ceil(Math.min(DELIVERIES, clients * broadcast.events * 4) / clients);
  return {
    title: `growth: broadcast to ${clients} connections`,
    peers: HUBS,
    run: (bench, peer) =>
      withSession(bench, peer, { clients, channels: 'shared' }, async (session) => {
        await session.connect();
        await session.warmUp(SIZE, warmUp);
        const { cpu, deliveries } = await session.measure(() =>
          session.paced(events, Math.max(10, clients / 20)),
        );
        return [{ workload: `connections-${clients}`, figure: 'cpu', value: cpu / deliveries }];
      }),
  };
}

/** Each channel has one client, each client as many channels as it takes; a thousand channels all over get events. */
function channels({ warmUp, perUser }: Sizes, count: number): Task {
  const clients = Math.min(MOST_CLIENTS, count);
  const channelsEach = count / clients;
  return {
    title: `growth: ${count} channels`,
    peers: HUBS,
    run: (bench, peer) =>
      withSession(
        bench,
        peer,
        { clients, channels: 'own', channelsEach, stride: channelsEach },
        async (session) => {
          await session.connect();
          await session.warmUp(SIZE, warmUp);
          const { cpu, deliveries } = await session.measure(() => session.paced(perUser.ticks, 10, PER_TICK));
          return [{ workload: `channels-${count}`, figure: 'cpu', value: cpu / deliveries }];
        },
      ),
  };
}
