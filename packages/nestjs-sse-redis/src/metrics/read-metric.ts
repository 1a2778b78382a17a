import type { Metric } from 'prom-client';

/** One value of a metric, as prom-client's registry prints it. */
export interface MetricValue {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  /** Of a histogram's parts. */
  readonly metricName?: string;
}

/**
 * A metric that is read when it is scraped. prom-client's own count where something happens, or are set anew in a
 * `collect` function; these counters are counted already, plainly, where each delivery passes.
 */
export class ReadMetric {
  readonly aggregator = 'sum';

  constructor(
    public name: string,
    private readonly help: string,
    private readonly type: 'counter' | 'gauge' | 'histogram',
    private readonly read: () => readonly MetricValue[],
  ) {}

  /** The part of a metric that `Registry` uses. */
  get(): Promise<object> {
    const { name, help, type, aggregator } = this;
    return Promise.resolve({ name, help, type, aggregator, values: this.read() });
  }

  /** Counters of the hub begin with its process, and are not set back. */
  reset(): void {}

  asMetric(): Metric {
    return this as unknown as Metric;
  }
}
