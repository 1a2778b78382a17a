import type { LimitScope } from './limit-scope.js';

/** The newcomers of one user or address that make room for themselves. */
export interface LimitLine {
  /** How often in a row nothing was found that could make room. */
  fruitless: number;
}

interface Line extends LimitLine {
  last: Promise<unknown>;
}

/**
 * Lets the newcomers of a user or an address make room one after the other. All at once they would find the same oldest connection, and
 * its place is enough for one.
 */
export class LimitTurns {
  private readonly lines = new Map<string, Line>();

  /** Runs the task after those of all earlier newcomers of the scope in this process. */
  async take<T>(scope: LimitScope, task: (line: LimitLine) => Promise<T>): Promise<T> {
    const key = 'user' in scope ? `u${scope.user}` : `a${scope.address}`;
    const line = this.lines.get(key) ?? { fruitless: 0, last: Promise.resolve() };
    this.lines.set(key, line);
    const result = line.last.then(() => task(line));
    const turn = (line.last = result.catch(() => undefined));
    try {
      return await result;
    } finally {
      if (line.last === turn) this.lines.delete(key);
    }
  }
}
