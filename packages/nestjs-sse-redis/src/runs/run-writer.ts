import type { Publication, PublishOutcome } from '../broker/broker.interface.js';
import { RunOrderError } from '../broker/run-order.error.js';
import type { RunEnd } from '../broker/run-store.interface.js';
import { PublishOutcomeUnknownError } from '../errors/publish-outcome-unknown.error.js';
import { RedisRefusedError } from '../errors/redis-refused.error.js';
import { RedisUnavailableError } from '../errors/redis-unavailable.error.js';
import type { Position } from '../event/position.js';
import { backOffTime } from '../util/back-off.js';
import type { Pause } from '../util/waits.js';

/** Refusals that no time mends. A full Redis may stay full for long, and nobody should wait for it in silence. */
const FINAL: ReadonlySet<string> = new Set([
  'REDIS_FORBIDDEN',
  'REDIS_UNAUTHENTICATED',
  'REDIS_OUT_OF_MEMORY',
  'REDIS_REFUSED',
]);

/** What a writer needs of its process. */
export interface WriterHost {
  readonly nodeId: string;
  /** Publishes in the given order. */
  send(publications: readonly Publication[]): Promise<PublishOutcome[]>;
  /** Resolves when this process is sure to own its runs, or the signal is aborted. */
  owns(signal: AbortSignal): Promise<void>;
  /** How to wait before another attempt on a channel. */
  pauseOf(channel: string): Pause;
}

/**
 * Stores the events of a run, each once and in order. The writer sends unanswered events again: their numbers keep them from being
 * stored twice, and the fence keeps them out after the run is over.
 */
export class RunWriter {
  private sequence = 0;

  /** @param signal ends the attempts */
  constructor(
    private readonly id: string,
    private readonly host: WriterHost,
    private readonly signal: AbortSignal,
  ) {}

  /**
   * Stores events, while Redis is away as soon as it is back.
   *
   * @param end of the last of them
   * @param isPatient also where Redis refuses to store anything
   * @returns the position of the last of them
   * @throws RunEndedError | RedisRefusedError, and the error of the last attempt where the signal ends them
   */
  async write(publications: readonly Publication[], end?: RunEnd, isPatient = false): Promise<Position> {
    const numbered = this.number(publications, end);
    for (let attempt = 0; ; attempt++) {
      await this.host.owns(this.signal);
      const outcomes = await this.host.send(numbered);
      const failed = outcomes.find((outcome) => 'error' in outcome);
      if (!failed) {
        this.sequence += publications.length;
        return (outcomes.at(-1) as { readonly position: Position }).position;
      }
      const { error } = failed;
      if (this.signal.aborted || !mayPass(error, isPatient)) throw error;
      await this.host.pauseOf(publications[0]!.channel)(backOffTime(attempt), this.signal);
    }
  }

  private number(publications: readonly Publication[], end: RunEnd | undefined): Publication[] {
    const { id, sequence: base } = this;
    const node = this.host.nodeId;
    return publications.map((publication, i) => {
      const isLast = i === publications.length - 1;
      const run = { id, node, sequence: base + i + 1, base, end: isLast ? end : undefined };
      return { ...publication, run };
    });
  }
}

function mayPass(error: Error, isPatient: boolean): boolean {
  if (error instanceof RedisRefusedError) return isPatient || !FINAL.has(error.code);
  return (
    error instanceof RedisUnavailableError ||
    error instanceof PublishOutcomeUnknownError ||
    error instanceof RunOrderError
  );
}
