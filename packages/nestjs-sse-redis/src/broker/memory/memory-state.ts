import type { EventRecord } from '../../event/event-record.js';
import { toPosition, type Position } from '../../event/position.js';
import type { LogExtent, ReadLimits, StateEntry } from '../broker.interface.js';
import { MemoryLog } from './memory-log.js';

/** The log of a state channel in memory, by the rules of `scripts/include/state.lua`: of each key the newest event, or its removal. */
export class MemoryState {
  /** In the order of their positions. */
  private readonly entries = new Map<string, EventRecord>();
  private keys = 0;
  /** How many events there ever were. */
  count = 0;
  newest!: EventRecord;
  /** Of a map nothing is trimmed. */
  readonly isTrimmed = false;

  /**
   * @param logStart from where on all removals are among the entries: its first event
   * @param knownFrom from where on it is known what there was before
   * @param expires ms since the epoch
   */
  constructor(
    public logStart: Position,
    public knownFrom: Position,
    public expires: number,
  ) {}

  has(key: string): boolean {
    const entry = this.entries.get(key);
    return entry !== undefined && entry.kind !== 'r';
  }

  hasRoomFor({ key, maxKeys }: StateEntry): boolean {
    return this.has(key) || this.keys < maxKeys;
  }

  /** @param retention for how long removals are kept, ms */
  set(record: EventRecord, { key, maxKeys }: StateEntry, retention: number, now: number): void {
    const wasThere = this.has(key);
    const isThere = record.kind !== 'r';
    this.keys += Number(isThere) - Number(wasThere);
    // Deleted first, so that the map stays in the order of positions.
    this.entries.delete(key);
    this.newest = withOwnBytes(record);
    this.entries.set(key, this.newest);
    this.count++;
    this.forgetRemovals(maxKeys, retention, now);
  }

  read(after: Position, limits: ReadLimits): { records: EventRecord[]; truncated: boolean } {
    return this.toLog().read(after, limits);
  }

  extent(after: Position, upTo: Position): LogExtent | undefined {
    return this.toLog().extent(after, upTo);
  }

  newestPositions(count: number): Position[] {
    return this.toLog().newestPositions(count);
  }

  /** Many at once, since a client that has a part of the map begins anew where any was. */
  private forgetRemovals(most: number, retention: number, now: number): void {
    const removals = this.entries.size - this.keys;
    if (removals === 0) return;
    const all = [...this.entries].filter(([, { kind }]) => kind === 'r');
    let gone: typeof all = [];
    if (all[0]![1].position < toPosition(now - retention * 1.125))
      gone = all.filter(([, { position }]) => position < toPosition(now - retention));
    else if (removals > most) gone = all.slice(0, Math.ceil(removals / 2));
    for (const [key, { position }] of gone) {
      this.entries.delete(key);
      this.logStart = this.knownFrom = position;
    }
  }

  /** It is never empty: its newest event stays. */
  private toLog(): MemoryLog {
    return new MemoryLog([...this.entries.values()], this.expires);
  }
}

/** `Buffer.from` takes small events from pieces of 8 KiB that they share. A key would keep its piece for as long as it is in the map. */
function withOwnBytes(record: EventRecord): EventRecord {
  const frame = Buffer.allocUnsafeSlow(record.frame.length);
  record.frame.copy(frame);
  return { ...record, frame };
}
