import { Child } from '../processes/child.js';
import type { Peer } from '../peers.js';
import type { ServerMethods } from '../servers/main.js';
import type { Sizes } from '../sizes.js';
import { SERVER, type Bench } from './bench.js';
import { SUBSCRIBING } from './peer-groups.js';
import type { Figure, Task } from './task.js';

/** A process is killed, and all its clients come back to another one at once, each on a channel of its own. */
export function storm({ idle: { base, clients } }: Sizes): Task {
  return {
    title: `${clients} streams are opened again after their process was killed`,
    peers: SUBSCRIBING,
    run: async (bench, peers, report) => {
      for (const peer of peers) report(peer, await measure(bench, peer, base, clients));
    },
  };
}

async function measure(bench: Bench, peer: Peer, warm: number, clients: number): Promise<Figure[]> {
  const load = await bench.loads.take();
  const servers = await Promise.all([start(bench, peer), start(bench, peer)]);
  try {
    const [victim, other] = servers;
    const [from, to] = await Promise.all(servers.map((server) => server.call('port')));
    const tellsIds = peer.publisher.startsWith('hub');
    const plan = { session: bench.nextSession(), from: from!, to: to!, tellsIds };
    // The other server has been in use: V8 has compiled what opens a stream.
    await load.call('gather', { ...plan, session: `${plan.session}w`, clients: warm, from: to! });
    await load.call('disperse');
    await load.call('gather', { ...plan, clients });
    const before = await other.call('cpu');
    const redisBefore = await bench.redis.cpu();
    await victim.stop();
    const seconds = await load.call('untilBack');
    const cpu = (await other.call('cpu')) - before;
    const redisCpu = (await bench.redis.cpu()) - redisBefore;
    await load.call('disperse');
    const workload = 'storm';
    return [
      { workload, figure: 'seconds', value: seconds },
      { workload, figure: 'open', value: cpu / clients },
      { workload, figure: 'open-redis', value: redisCpu / clients },
    ];
  } finally {
    await load.call('disperse');
    await bench.loads.give(load);
    await Promise.all(servers.map((server) => server.stop()));
  }
}

function start(bench: Bench, peer: Peer): Promise<Child<ServerMethods>> {
  return Child.start<ServerMethods>(SERVER, [peer.name, bench.redis.url], ['--expose-gc']);
}
