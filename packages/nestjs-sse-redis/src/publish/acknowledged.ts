import type { Fork } from '../broker/broker.interface.js';
import { leftAt } from '../broker/forks.js';
import type { Position } from '../event/position.js';

/** How long a failover may take to be heard of: a replica that is further behind is not promoted by Sentinel. */
const GENERATION_MS = 30_000;
/** About 5 MB of names. */
const CHANNELS_PER_GENERATION = 50_000;

/** The newest event of each channel that was acknowledged in some time, on one line. */
interface Generation {
  readonly line: number;
  readonly began: number;
  readonly newest: Map<string, Position>;
}

/**
 * What this process published last, and had acknowledged. A failover may lose it, and perhaps nobody heard it: then only its
 * publisher knows of it.
 */
export class Acknowledged {
  private current: Generation = { line: 0, began: 0, newest: new Map() };
  private previous = this.current;

  /** @param line on which the event was acknowledged */
  note(channel: string, position: Position, line: number): void {
    const { newest, began } = this.current;
    const now = Date.now();
    const isFull = newest.size >= CHANNELS_PER_GENERATION || now - began > GENERATION_MS;
    if (isFull || line !== this.current.line) {
      this.previous = this.current;
      this.current = { line, began: now, newest: new Map() };
    }
    this.current.newest.set(channel, position);
  }

  /**
   * The newest event of each channel that the present line lacks.
   *
   * @param forkedAt what lies before it was lost in an earlier failover, and told then
   */
  lostBehind(forkedAt: Position, forks: readonly Fork[]): Map<string, Position> {
    const lost = new Map<string, Position>();
    for (const { line, newest } of [this.previous, this.current]) {
      for (const [channel, position] of newest) {
        if (position > forkedAt && leftAt(forks, { position, line }) !== undefined)
          lost.set(channel, position);
      }
    }
    return lost;
  }
}
