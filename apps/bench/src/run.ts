import { type Peer, peerOf } from './peers.js';
import type { Sample } from './report/sample.js';
import type { PeerName } from './servers/peer-names.js';
import type { Bench } from './workloads/bench.js';
import type { Figure, Task } from './workloads/task.js';

/**
 * Runs all tasks, and all of them again.
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
  for (let repetition = 1; repetition <= repetitions; repetition++) {
    for (const [index, task] of tasks.entries()) {
      const step = `${repetition}/${repetitions} ${index + 1}/${tasks.length}`;
      const peers = task.peers.filter((name) => only.length === 0 || only.includes(name)).map(peerOf);
      const report = (peer: Peer, counters: readonly Figure[]): void => {
        samples.push(...counters.map((figure) => ({ ...figure, peer: peer.name, repetition })));
        progress(`${step}  ${task.title}, ${peer.label}: ${counters.map(brief).join(', ')}`);
      };
      try {
        await task.run(bench, peers, report);
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`${task.title}, ${reason}`, { cause });
      }
    }
    await bench.redis.empty();
  }
  return samples;
}

function brief({ workload, figure, value }: Figure): string {
  return `${workload} ${figure} ${value.toPrecision(3)}`;
}
