/** Why a connection had to catch up. */
export type CatchUpCause = 'connect' | 'link' | 'announcement' | 'slow' | 'subscribe';

/** Upper bounds (ms) of the buckets of a latency histogram. */
export const LATENCY_BUCKETS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] as const;

/** Why a connection closed. The reason of a `hub.disconnect()` is free text, and its cause is `disconnected`. */
export type CloseCause =
  | 'left'
  | 'ended'
  | 'ended-by-application'
  | 'disconnected'
  | 'stalled'
  | 'vanished'
  | 'replaced'
  | 'drained'
  | 'expired'
  | 'max-age'
  | 'forbidden'
  | 'refused'
  | 'redis-unavailable'
  | 'failed'
  | 'shutdown';

/**
 * Why a client was sent a gap. `retention`: Redis trimmed, expired or lost the events. `unknown-id`: the client's position
 * is not of this hub. `announcement`: the client's position is of a node that had not heard of an event before it. `failover`: the events
 * were at a server that another one has replaced, or that lost them in a restart.
 */
export type GapCause = 'retention' | 'unknown-id' | 'announcement' | 'failover';

/** The counters of this process. Plain numbers, since some are counted once for each delivery. */
export class HubCounters {
  published = 0;
  publishFailures = 0;
  /** Events given to connections. */
  delivered = 0;
  /** How often a client was too slow to be pushed to. */
  slow = 0;
  readonly catchUps: Record<CatchUpCause, { memory: number; log: number }> = {
    connect: { memory: 0, log: 0 },
    link: { memory: 0, log: 0 },
    announcement: { memory: 0, log: 0 },
    slow: { memory: 0, log: 0 },
    subscribe: { memory: 0, log: 0 },
  };
  readonly gaps: Record<GapCause, number> = { retention: 0, 'unknown-id': 0, announcement: 0, failover: 0 };
  /** How often announcements were found to have been lost while the link was up. */
  announcementsLost = 0;
  readonly closes = new Map<CloseCause, number>();
  readonly refusals = new Map<string, number>();
  readonly latency = {
    buckets: Array.from({ length: LATENCY_BUCKETS.length + 1 }, () => 0),
    sum: 0,
    count: 0,
  };

  closed(cause: CloseCause): void {
    this.closes.set(cause, (this.closes.get(cause) ?? 0) + 1);
  }

  refused(code: string): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
  }

  /** From the publish to the hand-over to the last connection of this process, by the clocks of Redis and of this machine. */
  observeLatency(ms: number): void {
    const value = Math.max(0, ms);
    let i = 0;
    while (i < LATENCY_BUCKETS.length && value > LATENCY_BUCKETS[i]!) i++;
    this.latency.buckets[i]!++;
    this.latency.sum += value;
    this.latency.count++;
  }
}
