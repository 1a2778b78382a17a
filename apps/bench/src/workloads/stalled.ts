import type { Sizes } from '../sizes.js';
import { HUBS, WITH_HTTP } from './peer-groups.js';
import type { Task } from './task.js';
import { oneByOne } from './sessions.js';

const STALLED = 10;
/** Large, so that what the kernel takes for a client that does not read is soon full. */
const SIZE = 16_384;

/** Ten clients never read. The others must get everything; the figure is by how much the server's memory grows. */
export function stalled({ stalled: size }: Sizes): Task[] {
  return size.among.map((clients, index) => ({
    title: `${STALLED} stalled of ${clients} clients`,
    peers: index === 0 ? WITH_HTTP : ['http', ...HUBS],
    run: oneByOne({ stalled: STALLED, channels: 'shared' }, async (session) => {
      await session.connect(clients);
      await session.warmUp(SIZE, 1);
      const before = await session.memory();
      for (let event = 0; event < size.events; event++) await session.burst(1);
      const grown = (await session.memory()) - before;
      return [{ workload: `stalled-${clients}`, figure: 'stalled', value: grown / 1024 / 1024 }];
    }),
  }));
}
