import type { DataLine, Fork, LineChange } from '../broker/broker.interface.js';
import type { Position } from '../event/position.js';

/** The lines of the data set, as the link has come to know them. */
export class Lines {
  private forks: readonly Fork[] = [];
  private newest: Position | undefined = undefined;
  private serverStart = '';

  /**
   * Takes the forks that are known at a new link.
   *
   * A server that was made a replica of nobody and a master again begins a line with all its data. Whoever was connected to it
   * has heard what it announced before and after, and need not go back.
   *
   * @param line of the server that the link leads to
   * @returns the fork behind which whoever was connected has heard another line; undefined where none is new
   */
  restored({ forks, serverStart }: DataLine): LineChange | undefined {
    const { newest, serverStart: heard } = this;
    this.serverStart = serverStart;
    this.forks = forks;
    this.newest = Math.max(newest ?? 0, ...forks.map(({ began }) => began));
    if (newest === undefined) return undefined;
    const passed = forks.filter(
      (fork) => fork.began > newest && (fork.serverStart === '' || fork.serverStart !== heard),
    );
    if (passed.length === 0) return undefined;
    return { from: Math.min(...passed.map(({ from }) => from)), began: this.newest };
  }

  /**
   * Where the line of a position was left, if only a line that is gone can have given it out.
   *
   * A master that was replaced may live on. Positions that it gave out after the new line had begun are not known from those of
   * the new one.
   */
  leftAt(position: Position): Position | undefined {
    return leftAt(this.forks, position);
  }
}

/** The same, by the forks of a broker. */
export function leftAt(forks: readonly Fork[], position: Position): Position | undefined {
  const left = forks.filter(({ from, began }) => from < position && position < began);
  return left.length > 0 ? Math.min(...left.map(({ from }) => from)) : undefined;
}
