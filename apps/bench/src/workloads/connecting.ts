import type { Sizes } from '../sizes.js';
import { SUBSCRIBING } from './peer-groups.js';
import { oneByOne } from './sessions.js';
import type { Task } from './task.js';

/**
 * What it costs to open streams, each on a channel of its own, as all clients do at once after a deploy or a crash. The first
 * thousand are not measured: V8 compiles meanwhile.
 */
export function connecting({ idle: { base, clients } }: Sizes): Task {
  const opened = clients - base;
  return {
    title: `${opened} streams are opened`,
    peers: SUBSCRIBING,
    run: oneByOne({ channels: 'own' }, async (session) => {
      await session.open(base);
      const { cpu, redisCpu, seconds } = await session.measure(() => session.open(clients));
      const workload = 'connecting';
      return [
        { workload, figure: 'open', value: cpu / opened },
        { workload, figure: 'open-redis', value: redisCpu / opened },
        { workload, figure: 'seconds', value: seconds },
      ];
    }),
  };
}
