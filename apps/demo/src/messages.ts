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

/** From a worker to the supervisor. */
export type ToSupervisor =
  | { kind: 'ready' }
  | { kind: 'connections'; connections: number }
  /** `kill`: as a crash; `drain`: as in a deploy, its clients handed over first. */
  | { kind: 'kill' | 'drain'; pid: number };

/** From the supervisor to a worker. `publisher` is true for one living worker at a time: it tells the pages. */
export interface ToWorker {
  kind: 'table';
  rows: ProcessRow[];
  publisher: boolean;
}
