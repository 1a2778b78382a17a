import { peerOf } from './peers.js';
import type { Sample } from './report/sample.js';
import type { PeerName } from './servers/peer-names.js';
import { sizes } from './sizes.js';
import { broadcast } from './workloads/broadcast.js';
import type { Bench } from './workloads/bench.js';
import type { Task } from './workloads/task.js';

/** Unmeasured: the load client and the publishers serve all peers, and who comes first should not find them cold. */
export async function rehearse(bench: Bench): Promise<void> {
  const task = broadcast({
    ...sizes.smoke,
    warmUp: 10,
    broadcast: { ...sizes.quick.broadcast, clients: 50 },
  });
  for (const name of ['net', 'hub-fastify', 'transmit'] as const) await task.run(bench, peerOf(name));
}

/**
 * Peer after peer within a repetition, so that what disturbs the machine for a while disturbs all of them.
 *
 * @param only of the peers; all if there are none
 */
export async function runTasks(
  bench: Bench,
  tasks: readonly Task[],
  only: readonly PeerName[],
  repetitions: number,
  progress: (line: string) => void,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  const peersOf = ({ peers }: Task): readonly PeerName[] =>
    only.length > 0 ? peers.filter((name) => only.includes(name)) : peers;
  const steps = repetitions * tasks.reduce((sum, task) => sum + peersOf(task).length, 0);
  let step = 0;
  for (let repetition = 1; repetition <= repetitions; repetition++) {
    for (const task of tasks) {
      for (const name of peersOf(task)) {
        const peer = peerOf(name);
        step++;
        const started = performance.now();
        try {
          const figures = await task.run(bench, peer);
          samples.push(...figures.map((figure) => ({ ...figure, peer: name, repetition })));
          const took = ((performance.now() - started) / 1000).toFixed(1);
          progress(
            `${step}/${steps}  ${task.title}, ${peer.label}: ${figures.map(brief).join(', ')} (${took} s)`,
          );
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error);
          throw new Error(`${task.title}, ${peer.label}: ${reason}`, { cause: error });
        }
      }
    }
    await bench.redis.empty();
  }
  return samples;
}

function brief({ workload, figure, value }: { workload: string; figure: string; value: number }): string {
  return `${workload} ${figure} ${value.toPrecision(3)}`;
}
