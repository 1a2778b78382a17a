import type { ProcessRow } from '../messages.js';

/** The table of the processes. Pure book-keeping: whoever changes it tells the workers. */
export class ProcessTable {
  private readonly byName = new Map<string, ProcessRow>();

  get rows(): ProcessRow[] {
    return [...this.byName.values()];
  }

  /** A process was started in this place; the one before it, if any, is history. */
  started(name: string, pid: number, now: number): ProcessRow {
    const generation = (this.byName.get(name)?.generation ?? 0) + 1;
    const row: ProcessRow = { name, pid, generation, state: 'starting', connections: 0, since: now };
    this.byName.set(name, row);
    return row;
  }

  /** Reports of a process that has been replaced since are ignored. */
  update(pid: number, change: Partial<Pick<ProcessRow, 'state' | 'connections'>>): void {
    const row = this.rows.find((row) => row.pid === pid);
    if (row) Object.assign(row, change);
  }

  /** The worker that publishes the table to the pages: any that is up. */
  get publisher(): number | undefined {
    return this.rows.find(({ state }) => state === 'up')?.pid;
  }
}
