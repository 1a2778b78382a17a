import type { EventRecord } from '../event/event-record.js';
import type { Position } from '../event/position.js';

/** About what an event takes besides its frame. */
const OVERHEAD_BYTES = 200;

/**
 * The newest events of one channel, in memory: what a connection that fell behind a little is served from, without
 * asking the log. It covers everything after `from`, or nothing while `from` is infinite.
 */
export class RecentEvents {
  private records: EventRecord[] = [];
  private start = 0;
  from: Position = Infinity;

  constructor(private readonly budget: RecentEventsBudget) {}

  add(record: EventRecord): void {
    this.records.push(record);
    this.budget.spend(this, record);
  }

  /** Takes in the events before the first one, so that it covers everything after `from`. */
  extendBack(from: Position, records: readonly EventRecord[]): void {
    const all = [...records, ...this.records.slice(this.start)];
    this.clear(from);
    // In their order once more: the budget lets the oldest go first.
    for (const record of all) this.add(record);
  }

  /** Forgets everything. */
  clear(from: Position): void {
    this.records = [];
    this.start = 0;
    this.from = from;
  }

  after(position: Position): EventRecord[] {
    let i = this.records.length;
    while (i > this.start && this.records[i - 1]!.position > position) i--;
    return this.records.slice(i);
  }

  /** Called by the budget with its oldest event, which is the oldest here too, if it is still here. */
  forget(record: EventRecord): void {
    if (this.records[this.start] !== record) return;
    this.from = record.position;
    this.start++;
    if (this.start > 32 && this.start > this.records.length / 2) {
      this.records.splice(0, this.start);
      this.start = 0;
    }
  }
}

/** What all channels of a node may keep together, in bytes; the oldest goes first, whichever channel it is of. */
export class RecentEventsBudget {
  private readonly entries: { readonly owner: RecentEvents; readonly record: EventRecord }[] = [];
  private start = 0;
  private spent = 0;

  constructor(private readonly maxBytes: number) {}

  spend(owner: RecentEvents, record: EventRecord): void {
    this.entries.push({ owner, record });
    this.spent += record.frame.length + OVERHEAD_BYTES;
    while (this.spent > this.maxBytes) {
      const oldest = this.entries[this.start++]!;
      this.spent -= oldest.record.frame.length + OVERHEAD_BYTES;
      oldest.owner.forget(oldest.record);
    }
    if (this.start > 1024 && this.start > this.entries.length / 2) {
      this.entries.splice(0, this.start);
      this.start = 0;
    }
  }
}
