import type { FaultClientKind } from './connect-client.js';
import { Deployment, type DeploymentOptions } from './deployment.js';
import { ScheduleRun } from './schedule-run.js';
import { makeSchedule } from './schedule.js';
import { Summary } from './summary.js';

export interface SuiteOptions {
  /** Of the first schedule; each one after it has the next. */
  readonly seed: number;
  readonly seconds: number;
  readonly schedules: number;
  readonly deployment?: DeploymentOptions;
  /** Default: `raw`. */
  readonly client?: FaultClientKind;
  /** How many copies each client has. Default: 0. */
  readonly crowding?: number;
  /** Called for each schedule that fails, at once. */
  readonly onFailure?: (description: string) => void;
}

const MAX_FAILURES = 5;

/** Runs schedules one after the other until time is up, their number is reached, or too many have failed. */
export async function runFaultSuite(options: SuiteOptions): Promise<Summary> {
  const { seed, seconds, schedules, deployment, onFailure, client, crowding } = options;
  const summary = new Summary();
  let current = await Deployment.start(deployment);
  try {
    while (
      summary.schedules < schedules &&
      summary.seconds < seconds &&
      summary.failures.length < MAX_FAILURES
    ) {
      const schedule = makeSchedule(seed + summary.schedules);
      const outcome = await new ScheduleRun(current, schedule, client, crowding).run();
      summary.add(schedule, outcome);
      if (outcome.problems.length === 0) continue;
      onFailure?.(summary.failures.at(-1)!);
      // What is wrong now must not be taken for a fault of the next schedule.
      await current.stop();
      current = await Deployment.start(deployment);
    }
  } finally {
    await current.stop();
  }
  return summary;
}
