import type { Peer } from '../peers.js';
import type { PeerName } from '../servers/peer-names.js';
import type { Bench } from './bench.js';

export interface Figure {
  readonly workload: string;
  readonly figure: FigureName;
  readonly value: number;
}

/** `cpu`: µs of the server a delivery; `redis`: µs of Redis an event; `p50`, `p99`: ms; `rate`: deliveries a second; `growth`: a ratio. */
export type FigureName = 'cpu' | 'redis' | 'p50' | 'p99' | 'rate' | 'busy' | 'memory' | 'stalled' | 'growth';

/** What is measured on one freshly started server, of each of the peers in turn. */
export interface Task {
  readonly title: string;
  readonly peers: readonly PeerName[];
  run(bench: Bench, peer: Peer): Promise<Figure[]>;
}
