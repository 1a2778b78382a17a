import type { KnownLosses } from '../delivery/losses/known-losses.js';
import { parseEventId, type Position } from '../event/position.js';

/**
 * What failovers lost of a log, for a reader that has no stream: the log shows nothing of it.
 *
 * The notice of a loss may come after the reader has read what follows. So it is compared with where the reader began.
 */
export class FailoverLosses {
  private began: Position | undefined;
  private told = 0;

  constructor(
    private readonly lost: KnownLosses,
    private readonly channel: string,
  ) {}

  /**
   * Whether there is something that the reader has not been told yet. It is told now.
   *
   * @param from id after which it has read; undefined where it had none: it is told of nothing from before
   * @param to id of where the page ends
   */
  findNew(from: string | undefined, to: string): boolean {
    this.began ??= toPosition(from ?? to);
    const gap = this.lost.failoverAfter(this.channel, this.began);
    if (!gap || gap.to <= this.told || gap.from! >= toPosition(to)) return false;
    this.told = gap.to;
    return true;
  }
}

function toPosition(id: string): Position {
  return parseEventId(id) ?? 0;
}
