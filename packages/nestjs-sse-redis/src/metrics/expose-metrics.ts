import { register as defaultRegister, type Registry } from 'prom-client';
import type { HubStats } from '../hub/hub-stats.js';
import type { SseHub } from '../hub/sse-hub.js';
import { ReadMetric, type MetricValue } from './read-metric.js';

/** Options of `exposeMetrics()`. */
export interface MetricsOptions {
  /** Where the metrics go. Default: prom-client's global registry. */
  readonly register?: Registry;
  /** Begins their names. Default `sse_`. */
  readonly prefix?: string;
}

/**
 * Exposes the counters of a hub as Prometheus metrics, read when they are scraped.
 *
 * @throws Error of prom-client, if there are metrics of these names already: give each hub a prefix, or a registry
 * @example
 * ```ts
 * export class MetricsController {
 *   constructor(hub: SseHub) { exposeMetrics(hub); }
 *   @Get('metrics') metrics() { return register.metrics(); }
 * }
 * ```
 */
export function exposeMetrics(
  hub: SseHub,
  { register = defaultRegister, prefix = 'sse_' }: MetricsOptions = {},
): void {
  for (const { name, help, type, values } of METRICS) {
    const metric = new ReadMetric(prefix + name, help, type, () => values(hub.stats(), prefix + name));
    register.registerMetric(metric.asMetric());
  }
}

interface Definition {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly values: (stats: HubStats, name: string) => readonly MetricValue[];
}

const one = (value: number): MetricValue[] => [{ labels: {}, value }];
const by = (label: string, values: Readonly<Record<string, number>>): MetricValue[] =>
  Object.entries(values).map(([name, value]) => ({ labels: { [label]: name }, value }));

const METRICS: readonly Definition[] = [
  {
    name: 'connections',
    help: 'Open streams of this process by state.',
    type: 'gauge',
    values: ({ connectionStates }) => by('state', connectionStates),
  },
  {
    name: 'channels',
    help: 'Channels that somebody in this process listens to.',
    type: 'gauge',
    values: ({ channels }) => one(channels),
  },
  {
    name: 'runs',
    help: 'Runs of this process that are going on.',
    type: 'gauge',
    values: ({ runs }) => one(runs),
  },
  {
    name: 'events_published_total',
    help: 'Events that this process published.',
    type: 'counter',
    values: ({ published }) => one(published),
  },
  {
    name: 'publish_failures_total',
    help: 'Events that this process could not publish.',
    type: 'counter',
    values: ({ publishFailures }) => one(publishFailures),
  },
  {
    name: 'events_delivered_total',
    help: 'Events given to connections of this process.',
    type: 'counter',
    values: ({ delivered }) => one(delivered),
  },
  {
    name: 'publish_to_write_seconds',
    help: 'From a publish to its hand-over to the sockets of this process.',
    type: 'histogram',
    values: ({ latency }, name) => histogram(latency, name),
  },
  {
    name: 'catch_ups_total',
    help: 'How often connections had to catch up, by cause and by where it came from.',
    type: 'counter',
    values: ({ catchUps }) =>
      Object.entries(catchUps).flatMap(([cause, sources]) =>
        Object.entries(sources).map(([source, value]) => ({ labels: { cause, source }, value })),
      ),
  },
  {
    name: 'gaps_total',
    help: 'Gaps told to clients, by cause.',
    type: 'counter',
    values: ({ gaps }) => by('cause', gaps),
  },
  {
    name: 'announcements_lost_total',
    help: 'How often announcements of a channel were lost while the subscription in Redis was up.',
    type: 'counter',
    values: ({ announcementsLost }) => one(announcementsLost),
  },
  {
    name: 'slow_clients_total',
    help: 'How often a client became too slow to be pushed to.',
    type: 'counter',
    values: ({ slow }) => one(slow),
  },
  {
    name: 'closes_total',
    help: 'Streams that ended, by reason.',
    type: 'counter',
    values: ({ closes }) => by('reason', closes),
  },
  {
    name: 'refusals_total',
    help: 'Streams that were refused, by error code.',
    type: 'counter',
    values: ({ refusals }) => by('code', refusals),
  },
  {
    name: 'sweeps_total',
    help: 'Sweeps of the registry that this process ran.',
    type: 'counter',
    values: ({ sweeps }) => one(sweeps.runs),
  },
  {
    name: 'swept_connections_total',
    help: 'Connections of dead processes that sweeps of this process removed.',
    type: 'counter',
    values: ({ sweeps }) => one(sweeps.removed),
  },
  {
    name: 'drain_streams_left',
    help: 'Streams that are still to be handed over at shutdown.',
    type: 'gauge',
    values: ({ drain }) => one(drain.left),
  },
  {
    name: 'link_up',
    help: '1 while the subscription in Redis is up.',
    type: 'gauge',
    values: ({ linkUp }) => one(linkUp ? 1 : 0),
  },
  {
    name: 'link_proven_timestamp_seconds',
    help: 'When it was last proven that what is published arrives.',
    type: 'gauge',
    values: ({ linkProvenAt }) => one((linkProvenAt ?? 0) / 1_000),
  },
];

function histogram({ bounds, buckets, sum, count }: HubStats['latency'], name: string): MetricValue[] {
  let total = 0;
  const cumulated = bounds.map((bound, i) => {
    total += buckets[i]!;
    return { labels: { le: bound / 1_000 }, value: total, metricName: `${name}_bucket` };
  });
  return [
    ...cumulated,
    { labels: { le: '+Inf' }, value: count, metricName: `${name}_bucket` },
    { labels: {}, value: sum / 1_000, metricName: `${name}_sum` },
    { labels: {}, value: count, metricName: `${name}_count` },
  ];
}
