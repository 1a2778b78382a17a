import type { EventRecord } from '../../event/event-record.js';
import type { Position } from '../../event/position.js';
import type { LogExtent, ReadLimits } from '../broker.interface.js';

/** The log of one channel in memory. It is never empty. */
export class MemoryLog {
  /** The events that are kept begin here; what is before it is cut off now and then. */
  private start = 0;

  /**
   * @param records at least one, in their order
   * @param expires ms since the epoch
   */
  constructor(
    private readonly records: EventRecord[],
    public expires: number,
  ) {}

  get newest(): EventRecord {
    return this.records.at(-1)!;
  }

  /** Nothing is missing for a cursor from here on. */
  get logStart(): Position {
    return this.records[this.start]!.prev;
  }

  /** Its first event is gone. */
  get isTrimmed(): boolean {
    return !this.records[this.start]!.first;
  }

  /**
   * @param keepFrom events before this position are forgotten
   * @param expires ms since the epoch
   */
  append(record: EventRecord, maxLength: number, keepFrom: Position, expires: number): void {
    this.records.push(record);
    this.expires = expires;
    while (this.records.length - this.start > maxLength || this.records[this.start]!.position < keepFrom)
      this.start++;
    if (this.start > this.records.length / 2) {
      this.records.splice(0, this.start);
      this.start = 0;
    }
  }

  read(after: Position, limits: ReadLimits): { records: EventRecord[]; truncated: boolean } {
    const from = this.indexAfter(after);
    let to = from;
    for (let bytes = 0; to < this.records.length; to++) {
      bytes += this.records[to]!.frame.length;
      if (to > from && (to - from >= limits.records || bytes > limits.bytes)) break;
    }
    return { records: this.records.slice(from, to), truncated: to < this.records.length };
  }

  extent(after: Position, upTo: Position): LogExtent | undefined {
    const first = this.records[this.indexAfter(after)];
    if (!first || first.position > upTo) return undefined;
    return {
      first: this.logStart > after ? after + 1 : first.position,
      last: this.records[this.indexAfter(upTo) - 1]!.position,
    };
  }

  newestPositions(count: number): Position[] {
    return this.records
      .slice(Math.max(this.start, this.records.length - count))
      .map(({ position }) => position);
  }

  private indexAfter(after: Position): number {
    let low = this.start;
    let high = this.records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.records[middle]!.position > after) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
