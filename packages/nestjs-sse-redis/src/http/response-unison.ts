import type { Socket } from 'node:net';
import type { EventRecord } from '../event/event-record.js';
import type { Position } from '../event/position.js';
import type { Unison } from '../hub/outlet.js';
import type { FrameBatch } from './frame-batch.js';
import { LONGEST_STRAIGHT, mayGoStraight, writeStraight, type Writer } from './straight-write.js';
import { tick, type Flushable } from './tick.js';

/** An outlet, as its unison knows it. */
export interface Member extends Writer {
  /** Where in the unison it is. */
  place: number;
  /** It is to leave, and its connection to know where it stands. */
  part(): void;
  /** The kernel has not taken all of a chunk of this length that was written past its socket's queue. */
  waits(length: number): void;
  /** It cannot be written to. The others have no part in it. */
  failed(error: unknown): void;
  /** Writes a batch by itself. */
  writeAlone(batch: FrameBatch): void;
}

/**
 * Responses that are given the same, each by one write past its socket's queue.
 *
 * A delivery of a broadcast costs a system call and the misses of the processor's cache: of a thousand connections none
 * is in it any more when its next event comes. Here nothing of a connection is looked at but its socket. Whoever has
 * anything else to write, or whose socket does not take it at once, leaves and is a connection like any other, until it
 * joins again.
 */
export class ResponseUnison implements Unison, Flushable {
  position: Position = 0;
  /** What it was given in this tick. */
  private batch: FrameBatch | undefined = undefined;
  private readonly members: Member[] = [];
  /** Of each member, in the same place. */
  private readonly sockets: Socket[] = [];

  get size(): number {
    return this.members.length;
  }

  get isIdle(): boolean {
    return this.batch === undefined;
  }

  takes(record: EventRecord): boolean {
    // What ends the streams is for each of them to see.
    return record.kind !== 'x' && (this.batch?.length ?? 0) + record.frame.length <= LONGEST_FRAMES;
  }

  event(record: EventRecord): void {
    this.position = record.position;
    this.batch = (this.batch ?? tick.add(this)).append(record.frame);
  }

  dissolve(): void {
    for (let member = this.members.at(-1); member; member = this.members.at(-1)) member.part();
  }

  /** While it is idle. */
  add(member: Member, socket: Socket): void {
    member.place = this.members.push(member) - 1;
    this.sockets.push(socket);
  }

  /** Returns what the member was given in this tick, and now has to write itself. */
  remove({ place }: Member): FrameBatch | undefined {
    const lastMember = this.members.pop()!;
    const lastSocket = this.sockets.pop()!;
    if (place < this.members.length) {
      lastMember.place = place;
      this.members[place] = lastMember;
      this.sockets[place] = lastSocket;
    }
    return this.batch;
  }

  flush(): void {
    const { batch, members, sockets } = this;
    if (batch === undefined) return;
    this.batch = undefined;
    const { chunk } = batch;
    const alone: Member[] = [];
    // From the last one: who leaves is replaced by one that was written to already.
    for (let place = members.length - 1; place >= 0; place--) {
      const socket = sockets[place]!;
      const member = members[place]!;
      try {
        if (!mayGoStraight(socket, chunk)) alone.push(member);
        else if (!writeStraight(socket, chunk, member)) {
          member.part();
          member.waits(chunk.length);
        }
      } catch (error) {
        member.failed(error);
      }
    }
    // Only now: these writes may run code of others, who may let other members leave.
    for (const member of alone) {
      member.part();
      member.writeAlone(batch);
    }
  }
}

/** Bytes of the frames of a tick, so that their chunk is not too long to be written straight. */
const LONGEST_FRAMES = LONGEST_STRAIGHT - 'ffff\r\n\r\n'.length;
