/** What the supervisor knows of one worker process. */
export interface ProcessRow {
  /** `w1`, `w2` …: the place, which a new process takes when the old one died. */
  name: string;
  pid: number;
  /** 1 for the first process in this place, one more for each that followed. */
  generation: number;
  state: 'starting' | 'up' | 'draining' | 'down';
  /** Open SSE connections. */
  connections: number;
  /** When this process was started, in milliseconds. */
  since: number;
}

/** A redis-server of the private cluster. */
export interface ClusterNode {
  port: number;
  /** 1, 2 or 3: which slots it has, as a master or as the replica of one. */
  shard: number;
  /** `down`: it does not answer. */
  role: 'master' | 'replica' | 'down';
  /** Whether it has the slot with the keys of the hub. */
  hasHub: boolean;
}

/** What a failover did. */
export interface Failover {
  /** Ports of the masters before and after it. */
  from: number;
  to: number;
  /** Milliseconds until all nodes named the new master. */
  took: number;
}

/** From a worker to the supervisor. */
export type ToSupervisor =
  | { kind: 'ready' }
  | { kind: 'connections'; connections: number }
  /** `kill`: as a crash; `drain`: as in a deploy, its clients handed over first. */
  | { kind: 'kill' | 'drain'; pid: number }
  | { kind: 'fail-over' };

/** From the supervisor to a worker. `publisher` is true for one living worker at a time: it tells the pages. */
export type ToWorker =
  | { kind: 'table'; rows: ProcessRow[]; publisher: boolean }
  | { kind: 'cluster'; nodes: ClusterNode[]; publisher: boolean }
  | { kind: 'failed-over'; failover: Failover }
  | { kind: 'not-failed-over'; reason: string };
