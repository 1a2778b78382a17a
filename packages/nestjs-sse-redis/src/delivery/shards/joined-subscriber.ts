import type { EventSink, EventSinkListener } from '../event-sink.js';
import type { OpenSubscriber } from '../open-subscriber.interface.js';
import type { Subscriber } from '../subscriber.js';
import { Entries } from './entries.js';
import { PartSink, type PartOwner } from './part-sink.js';

/**
 * A connection over the shards of its channels: a subscriber of each, which writes to the one sink. Nothing is said of the
 * order of events of two shards. The client's id has an entry of each.
 */
export class JoinedSubscriber implements OpenSubscriber, EventSinkListener, PartOwner {
  private readonly byShard = new Map<number, Subscriber>();
  /** What the client has of each shard, also of those on which it has no channel now. */
  private readonly entries = new Entries();
  /** Shards whose subscribers are about to begin. */
  private readonly expected = new Set<number>();
  private hasBegun = false;
  /** All parts that it began with have begun. */
  private isOpen = false;
  private hasEnded = false;
  private isPaused = false;
  private closed = false;
  isBeating = false;
  isSinkFull = false;
  /** The id of the client until it has been sent the gaps of all parts that begin. */
  startId: string | undefined;

  constructor(readonly sink: EventSink) {
    sink.subscriber = this;
  }

  get isClosed(): boolean {
    return this.closed;
  }

  get parts(): ReadonlyMap<number, Subscriber> {
    return this.byShard;
  }

  get channels(): string[] {
    return [...this.byShard.values()].flatMap(({ channels }) => channels);
  }

  get lastId(): string | undefined {
    this.leaveGroup();
    const [first] = this.byShard.entries();
    if (!first) return undefined;
    if (this.isSingle) return first[1].lastId;
    // A part may owe events since the last block that it wrote.
    for (const [shard, part] of this.byShard) this.entries.set(shard, part.lastId);
    return this.entries.join(first[0]);
  }

  get isLive(): boolean {
    return this.every((part) => part.isLive);
  }

  get isFull(): boolean {
    return !this.every((part) => !part.isFull);
  }

  get isSingle(): boolean {
    return this.entries.size === 1;
  }

  /**
   * A subscriber is about to begin.
   *
   * @param id what the client has of its shard until then
   * @returns the sink for it
   */
  expect(shard: number, id: string | undefined): PartSink {
    // A part that was the only one did not note what it wrote.
    if (this.isSingle) for (const [one, { lastId }] of this.byShard) this.entries.set(one, lastId);
    this.leaveGroup();
    this.expected.add(shard);
    this.entries.set(shard, id);
    return new PartSink(this, shard);
  }

  /** The client has an id of a shard on which it has no channel: it is kept, and the client has it still when it returns. */
  keep(shard: number, id: string): void {
    this.entries.set(shard, id);
  }

  /** A subscriber has begun, and rests until all that begin with it have. */
  add(shard: number, part: Subscriber): void {
    this.byShard.set(shard, part);
    this.expected.delete(shard);
    // A gap that is within another one is not sent, even if it is the last, which would have had the new id.
    if (this.entries.get(shard) === undefined) this.entries.set(shard, part.lastId);
    if (this.expected.size > 0) return;
    this.isOpen = true;
    this.startId = undefined;
    if (this.isPaused) return;
    for (const one of this.byShard.values()) one.resume();
  }

  /** Its last channel was removed. What the client has of its shard stays. */
  remove(shard: number): void {
    if (!this.isSingle) this.byShard.delete(shard);
  }

  pause(): void {
    this.isPaused = true;
    for (const part of this.byShard.values()) part.pause();
  }

  resume(): void {
    this.isPaused = false;
    for (const part of this.byShard.values()) part.resume();
  }

  async sendMessage(text: string): Promise<boolean> {
    while (!this.closed) {
      const parts = [...this.byShard.values()];
      const part = parts.find(({ isFull }) => isFull) ?? parts[0];
      // The part may be removed while it waits, and another takes it.
      if (!part || (await part.sendMessage(text))) return part !== undefined;
    }
    return false;
  }

  sendNow(text: string): void {
    const [part] = this.byShard.values();
    part?.sendNow(text);
  }

  /** The positions of all parts in one frame. */
  beat(): void {
    if (this.closed || this.isFull) return;
    let left = this.byShard.size;
    for (const part of this.byShard.values()) {
      this.isBeating = --left > 0;
      part.beat();
    }
  }

  leaveGroup(): void {
    for (const part of this.byShard.values()) part.leaveGroup();
  }

  /** One part after the other, until the sink is full again; the next time, the others come first. */
  drained(): void {
    this.isSinkFull = false;
    for (const [shard, part] of [...this.byShard]) {
      if (this.isSinkFull) return;
      part.drained();
      this.byShard.delete(shard);
      this.byShard.set(shard, part);
    }
  }

  close(): void {
    this.closed = true;
  }

  join(shard: number, id: string | undefined): string | undefined {
    this.entries.set(shard, id);
    return (this.isSingle ? id : this.entries.join(shard)) ?? this.startId;
  }

  note(shard: number, id: string): void {
    this.entries.set(shard, id);
  }

  has(shard: number, id: string | undefined): boolean {
    return id === undefined || (!this.isOpen && this.hasBegun && this.entries.get(shard) === id);
  }

  begin(): boolean {
    const isFirst = !this.hasBegun;
    this.hasBegun = true;
    return isFirst;
  }

  mayEnd(): boolean {
    if (this.expected.size > 0 || !this.sink.mayEnd()) return false;
    return this.every((part) => part.hasEnded || part.feeds.length === 0);
  }

  end(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.sink.end();
  }

  private every(holds: (part: Subscriber) => boolean): boolean {
    for (const part of this.byShard.values()) if (!holds(part)) return false;
    return true;
  }
}
