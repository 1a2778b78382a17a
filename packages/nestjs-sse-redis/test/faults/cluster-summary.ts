import type { ClusterOutcome } from './cluster-run.js';
import { COUNTS, noCounts } from './verdict.js';

/** The figures of each fault, by its name. */
export function describeOutcomes(outcomes: ReadonlyMap<string, readonly ClusterOutcome[]>): string {
  return [...outcomes].map(([name, all]) => describe(name, all)).join('\n');
}

function describe(name: string, outcomes: readonly ClusterOutcome[]): string {
  const counts = noCounts();
  const failures = new Map<string, number>();
  for (const outcome of outcomes) {
    for (const one of COUNTS) counts[one] += outcome.counts[one];
    for (const [code, count] of outcome.failures) failures.set(code, (failures.get(code) ?? 0) + count);
  }
  const sum = (of: (outcome: ClusterOutcome) => number) =>
    outcomes.reduce((total, outcome) => total + of(outcome), 0);
  const delays = outcomes.flatMap((outcome) => outcome.delays).sort((a, b) => a - b);
  const p99 = delays[Math.floor(delays.length * 0.99)] ?? 0;
  return [
    `${name}, ${outcomes.length} times: ${sum(({ events }) => events)} events, ${counts.deliveries} deliveries over ${sum(({ connections }) => connections)} connections`,
    `  lost ${counts.lost}, doubled ${counts.doubled}, reordered ${counts.reordered}, foreign ${counts.foreign}`,
    `  gaps ${counts.gaps} (without cause ${counts.undueGaps}, unsure ${counts.unsureGaps}), surviving events missed in them ${counts.missedInGaps}`,
    `  acknowledged and lost ${sum(({ acknowledgedAndLost }) => acknowledgedAndLost)}; of clients' channels ${counts.gone}, of them neither seen nor told ${counts.goneUnseen}`,
    `  behind its acknowledgement: p99 ${p99.toFixed(0)} ms, latest ${(delays.at(-1) ?? 0).toFixed(0)} ms`,
    `  failed attempts to publish: ${JSON.stringify(Object.fromEntries(failures))}`,
  ].join('\n');
}
