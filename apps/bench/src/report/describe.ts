import type { FigureName } from '../workloads/task.js';

interface Description {
  readonly title: string;
  readonly unit: string;
  readonly moreIsBetter?: boolean;
}

const counters: Record<FigureName, Description> = {
  cpu: { title: 'server CPU per delivery', unit: 'µs' },
  redis: { title: "Redis' CPU per event", unit: 'µs' },
  p50: { title: 'publish to receive, p50', unit: 'ms' },
  p99: { title: 'publish to receive, p99', unit: 'ms' },
  rate: { title: 'deliveries per second', unit: '/s', moreIsBetter: true },
  busy: { title: 'cores that the server fills then', unit: 'cores' },
  open: { title: 'server CPU per stream', unit: 'µs' },
  'open-redis': { title: "Redis' CPU per stream", unit: 'µs' },
  minute: { title: 'server CPU per stream and minute', unit: 'µs' },
  'minute-redis': { title: "Redis' CPU per stream and minute", unit: 'µs' },
  seconds: { title: 'until all are there', unit: 's' },
  memory: { title: 'resident memory per connection', unit: 'KB' },
  growth: { title: 'a delivery, beside one with 1,000', unit: '×' },
  stalled: { title: "growth of the server's memory", unit: 'MB' },
};

const workloads: readonly [RegExp, (size: string) => string][] = [
  [/^steady-(\d+)$/, (size) => `steady broadcast, ${size} B`],
  [/^burst$/, () => 'burst of 10 events, 1024 B'],
  [/^saturation$/, () => 'as fast as it goes, 256 B'],
  [/^per-user-(\d+)$/, (count) => `${count} clients, a channel each`],
  [/^connecting$/, () => 'opening streams'],
  [/^storm$/, () => 'all clients of a killed process come back'],
  [/^idle$/, () => 'idle connections'],
  [/^idle-cpu$/, () => 'idle streams'],
  [/^processes$/, () => 'two processes through Redis'],
  [/^stalled-(\d+)$/, (count) => `10 stalled of ${count} clients`],
  [/^connections-(\d+)$/, (count) => `broadcast to ${count} connections`],
  [/^shards-(\d+)$/, (count) => `broadcast over ${count} of three shards`],
  [/^masters$/, () => 'the busiest of three masters'],
  [/^channels-(\d+)$/, (count) => `${count} channels`],
];

export function describe(workload: string, figure: FigureName): Description {
  for (const [pattern, title] of workloads) {
    const match = pattern.exec(workload);
    if (match) return { ...counters[figure], title: `${title(match[1] ?? '')}: ${counters[figure].title}` };
  }
  return { ...counters[figure], title: `${workload}: ${counters[figure].title}` };
}

/** Three counters that count. */
export function format(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}
