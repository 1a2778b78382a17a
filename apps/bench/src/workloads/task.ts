import type { Peer } from '../peers.js';
import type { PeerName } from '../servers/peer-names.js';
import type { Bench } from './bench.js';

export interface Figure {
  readonly workload: string;
  readonly figure: FigureName;
  readonly value: number;
}

/**
 * `cpu`: µs of the server a delivery; `redis`: µs of Redis an event; `p50`, `p99`: ms; `rate`: deliveries a second; `growth`: a ratio;
 * `open`, `open-redis`: µs of the server and of Redis a stream that is opened; `seconds` until all are;
 * `minute`, `minute-redis`: µs of the server and of Redis a stream in a minute.
 */
export type FigureName =
  | 'cpu'
  | 'redis'
  | 'p50'
  | 'p99'
  | 'rate'
  | 'busy'
  | 'memory'
  | 'stalled'
  | 'growth'
  | 'open'
  | 'open-redis'
  | 'minute'
  | 'minute-redis'
  | 'seconds';

/** Takes what was found of a peer. */
export type Report = (peer: Peer, counters: readonly Figure[]) => void;

/** What is measured of some peers, each on a freshly started server. */
export interface Task {
  readonly title: string;
  readonly peers: readonly PeerName[];
  run(bench: Bench, peers: readonly Peer[], report: Report): Promise<void>;
}
