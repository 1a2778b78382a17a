import type { ClientConnections } from '../clients/client-connections.js';
import type { Registrar } from '../clients/registrar.js';
import type { Shards } from '../delivery/shards/shards.js';
import { LATENCY_BUCKETS, type CatchUpCause, type HubCounters } from '../delivery/hub-counters.js';

/** The figures of this process, from `hub.stats()`. Counters count from its start. */
export interface HubStats {
  /** The id of this process in the registry. */
  readonly node: string;
  /** Open streams of clients. */
  readonly connections: number;
  /** The same by what they are at: being opened, live, catching up, or too slow to be pushed to. */
  readonly connectionStates: Readonly<Record<'opening' | 'live' | 'behind' | 'full', number>>;
  /** Channels that somebody in this process listens to. */
  readonly channels: number;
  /** Runs of this process that are going on. */
  readonly runs: number;
  /** Whether announcements arrive: false while the subscription in Redis is lost. */
  readonly linkUp: boolean;
  /** When it was last proven that they do, in ms since the epoch; undefined until the first proof since the link is up. */
  readonly linkProvenAt: number | undefined;
  /** Events that this process published, and how many it could not. */
  readonly published: number;
  readonly publishFailures: number;
  /** Events given to connections. */
  readonly delivered: number;
  /** How often connections had to catch up, by why, and from where. */
  readonly catchUps: Readonly<Record<CatchUpCause, { readonly memory: number; readonly log: number }>>;
  /** Gaps told, by why: no longer retained, a position that is none of this hub, one of a node that had lost an announcement, or a failover. */
  readonly gaps: Readonly<Record<'retention' | 'unknown-id' | 'announcement' | 'failover', number>>;
  /** How often announcements of a channel were found to have been lost on a connection to Redis that stayed up. */
  readonly announcementsLost: number;
  /** How often a client became too slow to be pushed to. */
  readonly slow: number;
  /** Streams that ended, by reason. */
  readonly closes: Readonly<Record<string, number>>;
  /** Streams that were refused, by error code. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Sweeps that this process ran, and connections of dead processes that they removed. */
  readonly sweeps: { readonly runs: number; readonly removed: number };
  /** How far the hand-over at shutdown is. */
  readonly drain: { readonly active: boolean; readonly total: number; readonly left: number };
  /** ms from a publish to its hand-over to the sockets of this process, by the clocks of Redis and this machine. */
  readonly latency: {
    /** Upper bounds; the last bucket, without one, is for all above. */
    readonly bounds: readonly number[];
    readonly buckets: readonly number[];
    readonly sum: number;
    readonly count: number;
  };
}

export interface StatsSources {
  readonly id: string;
  readonly clients: ClientConnections;
  readonly shards: Shards;
  readonly counters: HubCounters;
  readonly registration: Pick<Registrar, 'sweeps'>;
  readonly runs: { readonly size: number };
}

export function collectStats(sources: StatsSources): HubStats {
  const { id, clients, shards, counters, registration, runs } = sources;
  const { sweeps } = registration;
  const { active, total, left } = clients.drainProgress;
  return {
    node: id,
    connections: clients.size,
    connectionStates: countStates(clients),
    channels: shards.size,
    runs: runs.size,
    linkUp: shards.all.every(({ feeds }) => feeds.link.up),
    linkProvenAt: shards.provenAt,
    published: counters.published,
    publishFailures: counters.publishFailures,
    delivered: counters.delivered,
    catchUps: structuredClone(counters.catchUps),
    gaps: { ...counters.gaps },
    announcementsLost: counters.announcementsLost,
    slow: counters.slow,
    closes: Object.fromEntries(counters.closes),
    refusals: Object.fromEntries(counters.refusals),
    sweeps: { runs: sweeps.runs, removed: sweeps.removed },
    drain: { active, total, left },
    latency: {
      bounds: LATENCY_BUCKETS,
      buckets: [...counters.latency.buckets],
      sum: counters.latency.sum,
      count: counters.latency.count,
    },
  };
}

function countStates(clients: ClientConnections): HubStats['connectionStates'] {
  const states = { opening: 0, live: 0, behind: 0, full: 0 };
  for (const { subscriber } of clients.all) {
    if (!subscriber) states.opening++;
    else if (subscriber.isFull) states.full++;
    else if (subscriber.isLive) states.live++;
    else states.behind++;
  }
  return states;
}
