import type { Fork } from '../../broker/broker.interface.js';
import { leftAt } from '../../broker/forks.js';
import type { Position } from '../../event/position.js';

/** How long an event is remembered at least: longer than a master lives on that Sentinel has replaced, some 10 s. */
const GENERATION_MS = 30_000;
/** With names of 60 characters some 7 MB; the oldest are forgotten then. */
const CHANNELS_PER_GENERATION = 50_000;
const MOST_GENERATIONS = 3;

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
  /** The oldest first. */
  private generations: Generation[] = [];

  /** @param line on which the event was acknowledged */
  note(channel: string, position: Position, line: number): void {
    const { newest } = this.generationOf(line);
    // What was published before, and is published again with its key, has the position that it had.
    const known = newest.get(channel);
    if (known === undefined || position > known) newest.set(channel, position);
  }

  /** Takes out the newest event of each channel that lines behind the forks lack. */
  takeLost(forks: readonly Fork[]): Map<string, Position> {
    const lost = new Map<string, Position>();
    for (const { line, newest } of this.generations) {
      for (const [channel, position] of newest) {
        if (leftAt(forks, { position, line }) === undefined) continue;
        newest.delete(channel);
        lost.set(channel, Math.max(position, lost.get(channel) ?? 0));
      }
    }
    return lost;
  }

  private generationOf(line: number): Generation {
    const now = Date.now();
    const current = this.generations.at(-1);
    const isOpen =
      current && current.newest.size < CHANNELS_PER_GENERATION && now - current.began <= GENERATION_MS;
    if (isOpen && current.line === line) return current;
    const known = isOpen && this.generations.findLast((generation) => generation.line === line);
    if (known) return known;
    const next = { line, began: now, newest: new Map<string, Position>() };
    const kept = this.generations.filter(({ began }) => now - began <= 2 * GENERATION_MS);
    this.generations = [...kept.slice(1 - MOST_GENERATIONS), next];
    return next;
  }
}
