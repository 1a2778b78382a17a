import type { MapNotice } from '../event/map-notice.js';

/** Where the counts are told. */
interface CountReader {
  sendMapNotice(notice: MapNotice): void;
}

/**
 * How many events of state channels a connection was not sent, since newer ones of their keys came first. Each event has a number among
 * all of its channel: what lies between two that were sent is no longer in the log.
 */
export class ConflationCounts {
  /** By channel, the number of the event that was sent last. Most connections have no state channel. */
  private last: Map<string, number> | undefined;
  private leftOut: Map<string, number> | undefined;

  /** @param isChange the event is a change, not of a map that began anew */
  note(channel: string, count: number, isChange: boolean): void {
    const last = this.last?.get(channel);
    this.set(channel, count);
    if (!isChange || last === undefined || count <= last + 1) return;
    const leftOut = (this.leftOut ??= new Map<string, number>());
    leftOut.set(channel, (leftOut.get(channel) ?? 0) + count - last - 1);
  }

  set(channel: string, count: number): void {
    (this.last ??= new Map()).set(channel, count);
  }

  /** What was sent counts no longer. */
  delete(channel: string): void {
    this.last?.delete(channel);
    this.leftOut?.delete(channel);
  }

  /** Says what was left out since the last time. */
  report(writer: CountReader): void {
    for (const [channel, conflated] of this.leftOut ?? []) writer.sendMapNotice({ channel, conflated });
    this.leftOut = undefined;
  }
}
