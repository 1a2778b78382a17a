import { setTimeout as pause } from 'node:timers/promises';
import type { PeerName } from '../servers/peer-names.js';
import type { Sizes } from '../sizes.js';
import { HUBS } from './peer-groups.js';
import { oneByOne } from './sessions.js';
import type { Task } from './task.js';

/** Those that send heartbeats, as proxies and the clients' watchdogs need them. */
const PEERS: readonly PeerName[] = [...HUBS, 'better-sse', 'fastify-sse'];
/** The longest time that is left to what connecting has begun: registration, garbage. */
const SETTLE_MS = 2_000;

/** What streams cost while nothing is sent but heartbeats. */
export function idleCpu({ idle: { base, clients, cpuMs } }: Sizes): Task {
  return {
    title: `CPU of ${clients} idle streams`,
    peers: PEERS,
    run: oneByOne({ channels: 'own' }, async (session) => {
      await session.open(base);
      await session.open(clients);
      await pause(Math.min(SETTLE_MS, cpuMs));
      const { cpu, redisCpu, seconds } = await session.measure(() => pause(cpuMs));
      const ofMinute = 60 / seconds / clients;
      const workload = 'idle-cpu';
      return [
        { workload, figure: 'minute', value: cpu * ofMinute },
        { workload, figure: 'minute-redis', value: redisCpu * ofMinute },
      ];
    }),
  };
}
