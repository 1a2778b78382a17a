import { FAST } from './deployment.js';
import { FAULT_NAMES, type FaultName } from './faults.js';
import type { Outcome } from './schedule-run.js';
import type { Schedule } from './schedule.js';
import { COUNTS, noCounts } from './verdict.js';

/** Everything that the schedules of a run led to. */
export class Summary {
  schedules = 0;
  events = 0;
  connections = 0;
  slowestFailure = 0;
  readonly counts = noCounts();
  readonly faults = new Map<FaultName, number>(FAULT_NAMES.map((name) => [name, 0]));
  readonly failures: string[] = [];
  private readonly began = performance.now();

  add(schedule: Schedule, outcome: Outcome): void {
    this.schedules++;
    this.events += outcome.events;
    this.connections += outcome.connections;
    this.slowestFailure = Math.max(this.slowestFailure, outcome.slowestFailure);
    for (const name of COUNTS) this.counts[name] += outcome.counts[name];
    for (const name of outcome.faults) this.faults.set(name, this.faults.get(name)! + 1);
    if (outcome.problems.length > 0) this.failures.push(describeFailure(schedule, outcome));
  }

  get seconds(): number {
    return (performance.now() - this.began) / 1_000;
  }

  toString(): string {
    const { counts } = this;
    return [
      `${this.schedules} schedules, ${this.failures.length} of them failed, in ${this.seconds.toFixed(0)} s`,
      `${this.events} events, ${counts.deliveries} deliveries over ${this.connections} connections`,
      `lost ${counts.lost}, doubled ${counts.doubled}, reordered ${counts.reordered}, foreign ${counts.foreign}`,
      `gaps told ${counts.gaps} (without cause ${counts.undueGaps}), events missed in them ${counts.missedInGaps}`,
      `a failed publish was rejected after at most ${this.slowestFailure.toFixed(0)} ms (publishTimeout ${FAST.publishTimeout})`,
      `faults: ${[...this.faults].map(([name, count]) => `${name} ${count}`).join(', ')}`,
    ].join('\n');
  }
}

function describeFailure({ seed, steps, clients, channels }: Schedule, { problems, log }: Outcome): string {
  const shown = problems.slice(0, 12);
  if (problems.length > shown.length) shown.push(`… and ${problems.length - shown.length} more`);
  return [
    `schedule ${seed} failed; again with FAULT_SEED=${seed} FAULT_SCHEDULES=1`,
    ...shown.map((problem) => `  ${problem}`),
    'what happened:',
    ...log.map((line) => `  ${line}`),
    'clients:',
    ...clients.map((on, i) => `  client ${i}: ${on.map((number) => channels[number]).join(', ')}`),
    'schedule:',
    ...steps.map((step) => `  ${JSON.stringify(step)}`),
  ].join('\n');
}
