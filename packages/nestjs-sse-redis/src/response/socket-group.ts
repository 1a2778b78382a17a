import type { Socket } from 'node:net';
import type { BroadcastGroup, GroupMember } from '../delivery/broadcast-group.js';
import type { EventRecord } from '../event/event-record.js';
import { formatNamedFrame } from '../event/sse-frame.js';
import type { Position } from '../event/position.js';
import { LONGEST_DIRECT, mayWriteDirectly, writeDirectly, type Writer } from './direct-write.js';
import type { FrameBatch } from './frame-batch.js';
import { writeScheduler, type Flushable } from './write-scheduler.js';

/** The sink of a member. */
export interface GroupSink extends Writer {
  /** Whether a comment names the channel of each event. */
  readonly namesChannels: boolean;
  /** Its index in the group. */
  place: number;
  readonly subscriber: GroupMember | undefined;
  /** Leaves the group for a reason of its own. */
  stepOut(): void;
  /** The kernel has not taken a chunk of this length that was written past the queue of its socket. */
  noteWaiting(length: number): void;
  /** It cannot be written to. The others have no part in it. */
  fail(error: unknown): void;
  /** Writes a batch by itself. */
  writeAlone(batch: FrameBatch): void;
}

/**
 * Responses that are sent the same frames, each by one write past the queue of its socket.
 *
 * A delivery of a broadcast costs a system call and the misses of the processor's cache: of a thousand connections none is
 * in it any more when the next event comes. Here only the socket of a connection is read. A sink leaves that has anything else to
 * write, or whose socket does not take a chunk at once. It is a sink like any other until it joins again.
 */
export class SocketGroup implements BroadcastGroup, Flushable {
  position: Position = 0;
  /** The frames of this tick. */
  private batch: FrameBatch | undefined = undefined;
  private readonly sinks: GroupSink[] = [];
  /** The socket of each sink, in the same place. */
  private readonly sockets: Socket[] = [];
  private left: GroupMember[] = [];
  /** Whether the frames of its members name the channel. All of them are sent the same. */
  private namesChannels = false;

  get size(): number {
    return this.sinks.length;
  }

  get isIdle(): boolean {
    return this.batch === undefined;
  }

  accepts(channel: string, record: EventRecord): boolean {
    // An event that ends the streams is for each subscriber to see.
    if (record.kind === 'x') return false;
    return (this.batch?.length ?? 0) + this.toFrame(channel, record).length <= LONGEST_FRAMES;
  }

  send(channel: string, record: EventRecord): void {
    this.position = record.position;
    this.batch = (this.batch ?? writeScheduler.add(this)).append(this.toFrame(channel, record));
  }

  private toFrame(channel: string, record: EventRecord): Buffer {
    return this.namesChannels ? formatNamedFrame(channel, record) : record.frame;
  }

  members(): readonly GroupMember[] {
    return this.sinks.flatMap(({ subscriber }) => subscriber ?? []);
  }

  takeLeft(): readonly GroupMember[] {
    if (this.left.length === 0) return this.left;
    const { left } = this;
    this.left = [];
    return left;
  }

  noteLeft(member: GroupMember): void {
    this.left.push(member);
  }

  /** Adds a sink while the group is idle. @returns whether it is sent the same frames as the members */
  add(sink: GroupSink, socket: Socket): boolean {
    if (this.sinks.length === 0) this.namesChannels = sink.namesChannels;
    else if (sink.namesChannels !== this.namesChannels) return false;
    sink.place = this.sinks.push(sink) - 1;
    this.sockets.push(socket);
    return true;
  }

  /** Returns the frames of this tick, which the sink now has to write itself. */
  remove({ place }: GroupSink): FrameBatch | undefined {
    const lastSink = this.sinks.pop()!;
    const lastSocket = this.sockets.pop()!;
    if (place < this.sinks.length) {
      lastSink.place = place;
      this.sinks[place] = lastSink;
      this.sockets[place] = lastSocket;
    }
    return this.batch;
  }

  flush(): void {
    const { batch, sinks, sockets } = this;
    if (batch === undefined) return;
    this.batch = undefined;
    const { chunk } = batch;
    const alone: GroupSink[] = [];
    // From the last one: a sink that leaves is replaced by one that was written to already.
    for (let place = sinks.length - 1; place >= 0; place--) {
      const socket = sockets[place]!;
      const sink = sinks[place]!;
      try {
        if (!mayWriteDirectly(socket, chunk)) alone.push(sink);
        else if (!writeDirectly(socket, chunk, sink)) {
          sink.stepOut();
          sink.noteWaiting(chunk.length);
        }
      } catch (error) {
        sink.fail(error);
      }
    }
    // Only now: these writes may run code of others, which may let other sinks leave.
    for (const sink of alone) {
      sink.stepOut();
      sink.writeAlone(batch);
    }
  }
}

/** Bytes of the frames of a tick, so that their chunk is not too long to be written directly. */
const LONGEST_FRAMES = LONGEST_DIRECT - 'ffff\r\n\r\n'.length;
