import type { EventKind } from '../event/event-text.js';
import type { EventRecord } from '../event/event-record.js';
import type { Position } from '../event/position.js';

/** Where an event is: how many bytes were written before it since the beginning. So newer is greater, and no place comes twice. */
export type Place = number;

/** No place. */
export const NOWHERE: Place = -1;

/** Numbers before the frame, of eight bytes each. */
const POSITION = 0;
const PREV = 1;
const PREVIOUS = 2;
const LENGTH_AND_FLAGS = 3;
const HEADER_BYTES = 32;

const KINDS: readonly EventKind[] = ['j', 't', 'x'];
const FIRST = 4;
const FLAGS = 8;
const END = KINDS.indexOf('x');

/**
 * The newest events of all channels of a node, in a buffer in which each new one is written over the oldest.
 *
 * Not as objects: those live too long for the young generation of V8's heap and not long enough for the old one. To copy
 * and collect them took more than all else that the hub does for an event (docs/decisions/011).
 */
export class EventRing {
  private bytes: Buffer | undefined;
  /** The same memory. */
  private numbers = new Float64Array();
  /** The place that is written to next. */
  private end: Place = 0;
  /** The place that is at the buffer's beginning. */
  private lap: Place = 0;
  /** Events that were taken out in this turn of the event loop: so that all who take one get the same. */
  private readonly taken = new Map<Place, EventRecord>();

  /** @param size in bytes, a multiple of 8 */
  constructor(private readonly size: number) {}

  /**
   * @param previous of the same channel, for who goes back from the newest one
   * @returns `NOWHERE` if it is larger than all of this
   */
  add(record: EventRecord, previous: Place): Place {
    const { frame } = record;
    const needed = HEADER_BYTES + ((frame.length + 7) & ~7);
    if (needed > this.size) return NOWHERE;
    const bytes = (this.bytes ??= this.allocate());
    if (this.end - this.lap + needed > this.size) this.end = this.lap += this.size;
    const place = this.end;
    const start = place - this.lap;
    const { numbers } = this;
    const header = start >>> 3;
    numbers[header + POSITION] = record.position;
    numbers[header + PREV] = record.prev;
    numbers[header + PREVIOUS] = previous;
    numbers[header + LENGTH_AND_FLAGS] =
      frame.length * FLAGS + (record.first ? FIRST : 0) + KINDS.indexOf(record.kind);
    bytes.set(frame, start + HEADER_BYTES);
    this.end = place + needed;
    return place;
  }

  /** Whether the event is still there. */
  holds(place: Place): boolean {
    return place !== NOWHERE && place >= this.end - this.size;
  }

  positionAt(place: Place): Position {
    return this.numbers[this.getHeader(place) + POSITION]!;
  }

  prevAt(place: Place): Position {
    return this.numbers[this.getHeader(place) + PREV]!;
  }

  /** The one of the same channel before it, which may no longer be there. */
  getPrevious(place: Place): Place {
    return this.numbers[this.getHeader(place) + PREVIOUS]!;
  }

  /** Whether the event ended the stream of its channel. */
  isEndAt(place: Place): boolean {
    return (this.numbers[this.getHeader(place) + LENGTH_AND_FLAGS]! % FLAGS) % FIRST === END;
  }

  /** The event, with a frame of its own: this buffer may be written over before it is sent. */
  recordAt(place: Place): EventRecord {
    const known = this.taken.get(place);
    if (known) return known;
    // Else it would be an event of whatever channel.
    if (!this.holds(place)) throw new RangeError('This event was written over.');
    if (this.taken.size === 0) setImmediate(() => this.taken.clear());
    const header = this.getHeader(place);
    const lengthAndFlags = this.numbers[header + LENGTH_AND_FLAGS]!;
    const flags = lengthAndFlags % FLAGS;
    const start = header * 8 + HEADER_BYTES;
    const record: EventRecord = {
      position: this.positionAt(place),
      prev: this.prevAt(place),
      kind: KINDS[flags % FIRST]!,
      first: flags >= FIRST,
      ephemeral: false,
      frame: Buffer.from(this.bytes!.subarray(start, start + (lengthAndFlags - flags) / FLAGS)),
    };
    this.taken.set(place, record);
    return record;
  }

  /** Takes no memory before it is written to. */
  private allocate(): Buffer {
    const bytes = Buffer.allocUnsafeSlow(this.size);
    this.numbers = new Float64Array(bytes.buffer, bytes.byteOffset, this.size / 8);
    return bytes;
  }

  /** Of a place that is held: it was written since the buffer's beginning was last passed, or in the round before. */
  private getHeader(place: Place): number {
    return (place >= this.lap ? place - this.lap : place - this.lap + this.size) >>> 3;
  }
}

/** An event in the ring. It is copied out only when it is given to somebody: who reads slowly takes the first few of many, again and again. */
export class HeldEvent {
  constructor(
    private readonly ring: EventRing,
    private readonly place: Place,
    readonly position: Position,
  ) {}

  get isEnd(): boolean {
    return this.ring.isEndAt(this.place);
  }

  get record(): EventRecord {
    return this.ring.recordAt(this.place);
  }
}
