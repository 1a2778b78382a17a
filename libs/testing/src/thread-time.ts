import { readFileSync } from 'node:fs';

type CpuUsage = () => NodeJS.CpuUsage;

/** Of a thread of Linux: nanoseconds on a processor, nanoseconds in the queue for one, time slices (proc_pid_schedstat(5)). */
const SCHEDSTAT = '/proc/thread-self/schedstat';

const measure = chooseMeasure();

/**
 * Processor time of the calling thread since it began.
 *
 * Not that of the process, which has threads beside this one: V8 marks a large heap on its own, and that work would be
 * taken for work of a thread that stands still. Where nothing tells the thread's time, it is the process' all the same.
 *
 * @returns milliseconds
 */
export function threadTime(): number {
  return measure();
}

function chooseMeasure(): () => number {
  // Node 22.19 and 23.9.
  const { threadCpuUsage } = process as { threadCpuUsage?: CpuUsage };
  if (threadCpuUsage) return () => inMilliseconds(threadCpuUsage.call(process));
  try {
    schedstat();
    return schedstat;
  } catch {
    // No Linux, or one without CONFIG_SCHED_INFO.
    return () => inMilliseconds(process.cpuUsage());
  }
}

function schedstat(): number {
  const time = Number.parseInt(readFileSync(SCHEDSTAT, 'latin1'), 10) / 1_000_000;
  if (!(time > 0)) throw new Error(`${SCHEDSTAT} tells no time`);
  return time;
}

function inMilliseconds({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1_000;
}
