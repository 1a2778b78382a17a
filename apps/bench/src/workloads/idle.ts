import type { Sizes } from '../sizes.js';
import { WITH_HTTP } from './peer-groups.js';
import type { Task } from './task.js';
import { oneByOne } from './sessions.js';

/**
 * What a connection costs that nothing is sent to: the growth from the first thousand to ten thousand, which leaves out what a
 * process needs to get going.
 */
export function idle({ idle: { base, clients } }: Sizes): Task {
  return {
    title: `${clients} idle connections`,
    peers: WITH_HTTP,
    run: oneByOne({ channels: 'shared' }, async (session) => {
      await session.connect(base);
      const before = await session.memory();
      await session.connect(clients);
      const bytes = (await session.memory()) - before;
      return [{ workload: 'idle', figure: 'memory', value: bytes / 1024 / (clients - base) }];
    }),
  };
}
