import { getId, type EventRecord } from '../../event/event-record.js';
import type { GapNotice } from '../../event/gap.js';
import type { MapNotice } from '../../event/map-notice.js';
import type { Position } from '../../event/position.js';
import type { BroadcastGroup } from '../broadcast-group.js';
import type { EventSink, EventSinkListener } from '../event-sink.js';

/** The connection whose part writes to a sink of its own. */
export interface PartOwner {
  readonly sink: EventSink;
  /** It has one part, and the client has ids of no other shard: what is written is written as it is. */
  readonly isSingle: boolean;
  /**
   * Takes the id of a part.
   *
   * @param id undefined while the client is still sent gaps: it keeps the id with which it came
   * @returns that of all parts together, which the client has then
   */
  join(shard: number, id: string | undefined): string | undefined;
  /** Whether the client is about to have this id of a part, or keeps that with which it came. */
  has(shard: number, id: string | undefined): boolean;
  /** The client was sent where it begins. @returns whether this is the first part to do so */
  begin(): boolean;
  /** Whether the frames of positions are held back, and told together. */
  readonly isBeating: boolean;
  /** The sink takes no more until it has drained. */
  isSinkFull: boolean;
  /** Takes the id of a part, which the client is told together with those of others. */
  note(shard: number, id: string): void;
  /** Whether the streams of all channels of all parts have ended, and the sink ends with them. */
  mayEnd(): boolean;
  end(): void;
}

/** The record of which the id was read last: it goes to one connection after the other. */
let last: { readonly record: EventRecord; readonly id: string } | undefined;

function idOf(record: EventRecord): string {
  if (record !== last?.record) last = { record, id: getId(record) };
  return last.id;
}

/** The sink of one part of a connection over several shards: it puts the ids of the others behind each of its own. */
export class PartSink implements EventSink {
  subscriber: EventSinkListener | undefined = undefined;

  constructor(
    private readonly owner: PartOwner,
    private readonly shard: number,
  ) {}

  open(id: string | undefined, retry: number | undefined): boolean {
    const isTold = this.owner.has(this.shard, id);
    const joined = this.owner.join(this.shard, id);
    // The first says where the client stands in all parts.
    if (this.owner.begin()) return this.write(this.sink.open(joined, retry));
    return isTold || joined === undefined || this.write(this.sink.position(joined));
  }

  event(channel: string, record: EventRecord): boolean {
    if (this.owner.isSingle) return this.sink.event(channel, record);
    return this.write(this.sink.late(channel, record, this.owner.join(this.shard, idOf(record))!));
  }

  late(channel: string, record: EventRecord, id: string): boolean {
    return this.write(this.sink.late(channel, record, this.owner.join(this.shard, id)!));
  }

  position(id: string): boolean {
    if (!this.owner.isBeating) return this.write(this.sink.position(this.owner.join(this.shard, id)!));
    this.owner.note(this.shard, id);
    return true;
  }

  gap(gap: GapNotice, id: string | undefined): boolean {
    return this.write(this.sink.gap(gap, this.owner.join(this.shard, id)));
  }

  map(notice: MapNotice, id: string): boolean {
    return this.write(this.sink.map(notice, this.owner.join(this.shard, id)!));
  }

  message(id: string, text: string): boolean {
    return this.write(this.sink.message(this.owner.join(this.shard, id)!, text));
  }

  live(): void {
    this.sink.live?.();
  }

  join(group: BroadcastGroup): boolean {
    return this.owner.isSingle && this.sink.join(group);
  }

  leaveGroup(): Position {
    return this.sink.leaveGroup();
  }

  get isEndless(): boolean {
    return this.sink.isEndless === true;
  }

  mayEnd(): boolean {
    return this.owner.mayEnd();
  }

  end(): void {
    this.owner.end();
  }

  private write(takesMore: boolean): boolean {
    if (!takesMore) this.owner.isSinkFull = true;
    return takesMore;
  }

  private get sink(): EventSink {
    return this.owner.sink;
  }
}
