/** How much is done. All sizes measure the same things; less is noisier. */
export interface Sizes {
  readonly repetitions: number;
  /** Events that nobody measures, before those that are. */
  readonly warmUp: number;
  readonly broadcast: {
    readonly clients: number;
    /** Events before those that are measured: a server costs a tenth more until the compiler is through and its memory was written to. */
    readonly warmUp: number;
    readonly events: number;
    /** From event to event, ms. */
    readonly interval: number;
    readonly bursts: number;
    readonly floodMs: number;
  };
  readonly perUser: {
    readonly clients: readonly number[];
    /** Rounds of a thousand events. */
    readonly warmUp: number;
    /** How often each peer has its turn. */
    readonly turns: number;
    /** Of a hundred events, in each turn. */
    readonly ticks: number;
  };
  readonly idle: {
    readonly base: number;
    readonly clients: number;
    /** For how long CPU is measured, ms: heartbeats come every 20 s (the hub) and every 30 s (others). */
    readonly cpuMs: number;
  };
  readonly growth: {
    readonly connections: readonly number[];
    readonly channels: readonly number[];
    /** To the connections, at least. */
    readonly deliveries: number;
  };
  readonly processes: { readonly clients: number; readonly turns: number; readonly events: number };
  readonly shards: {
    readonly clients: number;
    readonly turns: number;
    /** Of each turn, to the clients. */
    readonly events: number;
    /** Of each turn, of events that only masters hear of. */
    readonly rounds: number;
  };
  readonly stalled: { readonly among: readonly number[]; readonly events: number };
}

const full: Sizes = {
  repetitions: 3,
  warmUp: 12,
  broadcast: { clients: 1000, warmUp: 50, events: 16, interval: 80, bursts: 4, floodMs: 600 },
  perUser: { clients: [200, 2000, 10_000], warmUp: 8, turns: 5, ticks: 10 },
  idle: { base: 1000, clients: 10_000, cpuMs: 60_000 },
  growth: { connections: [100, 1000, 10_000], channels: [10, 1000, 100_000], deliveries: 20_000 },
  processes: { clients: 1000, turns: 4, events: 3 },
  shards: { clients: 1000, turns: 6, events: 12, rounds: 120 },
  stalled: { among: [60, 200], events: 160 },
};

const quick: Sizes = {
  repetitions: 1,
  warmUp: 8,
  broadcast: { clients: 300, warmUp: 12, events: 10, interval: 30, bursts: 2, floodMs: 300 },
  perUser: { clients: [500], warmUp: 4, turns: 3, ticks: 8 },
  idle: { base: 400, clients: 1000, cpuMs: 5_000 },
  growth: { connections: [100, 500], channels: [10, 1000], deliveries: 3000 },
  processes: { clients: 200, turns: 2, events: 4 },
  shards: { clients: 300, turns: 4, events: 10, rounds: 40 },
  stalled: { among: [60], events: 60 },
};

/** For the test: enough to see that everything is delivered, no more. */
const smoke: Sizes = {
  repetitions: 1,
  warmUp: 1,
  broadcast: { clients: 5, warmUp: 1, events: 3, interval: 10, bursts: 1, floodMs: 20 },
  perUser: { clients: [5], warmUp: 1, turns: 2, ticks: 2 },
  idle: { base: 5, clients: 10, cpuMs: 100 },
  growth: { connections: [5], channels: [10], deliveries: 10 },
  processes: { clients: 4, turns: 1, events: 3 },
  shards: { clients: 4, turns: 1, events: 3, rounds: 2 },
  stalled: { among: [12], events: 3 },
};

export const sizes = { full, quick, smoke };

export type SizeName = keyof typeof sizes;
