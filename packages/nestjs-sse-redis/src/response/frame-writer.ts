import { Logger } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import type { BroadcastGroup, GroupMember } from '../delivery/broadcast-group.js';
import type { Position } from '../event/position.js';
import { getDirectSocket } from './direct-socket.js';
import { canWriteDirectly, isIdle, mayWriteDirectly, writeDirectly } from './direct-write.js';
import { DrainWatch } from './drain-watch.js';
import type { FrameBatch } from './frame-batch.js';
import type { ResponseGuard } from './response-guard.js';
import { SocketGroup, type GroupSink } from './socket-group.js';
import { writeScheduler, type Flushable } from './write-scheduler.js';

const logger = new Logger('SseHub');

export interface FrameWriterOptions {
  /** Bytes that may wait for the client before it counts as slow. */
  readonly bufferedBytes: number;
  /** ms after which a slow client that takes nothing is closed. */
  readonly stallTimeout: number;
  /** Whether frames may bypass the response and the queue of its socket (docs/internals.md). */
  readonly directWrites: boolean;
}

/**
 * Writes frames to a response: those of a tick together, directly to the socket where that is safe, and no more than the
 * client takes.
 *
 * `write` and `flush` run once for each event and client. They read only fields of this object and of the socket, which is
 * written to anyway. A property of the response costs a microsecond: it is rarely in the processor's cache, and on Express
 * (Node 20 and 22) each response has a hidden class of its own. A base class keeps these fields in the object of the sink.
 */
export abstract class FrameWriter implements Flushable, GroupSink {
  abstract readonly subscriber: (GroupMember & { drained(): void }) | undefined;
  /** The client took nothing for `stallTimeout`. */
  stalled = false;
  place = 0;
  /** The headers are out, and the response has not closed. */
  protected isOpen = false;
  protected isClosed = false;
  private full = false;
  /** The frames of this tick. */
  private batch: FrameBatch | undefined = undefined;
  /** Bytes that may wait for the client. */
  private readonly limit: number;
  /** Bytes that the client is known to have room for. */
  private room = 0;
  private hasWritten = false;
  /** The socket that is written to past the response, once that was found to be safe. */
  private socket: Socket | undefined = undefined;
  /** The socket may also be written to past its queue. */
  private isDirect = false;
  /** Bytes that were written past the queue, and wait for the client. */
  private directLength = 0;
  private group: SocketGroup | undefined = undefined;
  /** The position of the group when this sink left it. */
  private leftAt: Position = 0;
  /** Set while the client is waited for. */
  private drainWatch: DrainWatch | undefined = undefined;

  constructor(
    protected readonly response: ServerResponse,
    protected readonly guard: ResponseGuard,
    private readonly options: FrameWriterOptions,
    /** Whether a comment names the channel of each event. */
    readonly namesChannels: boolean,
  ) {
    // Not below Node's own mark, over which it says `false` and then 'drain': that event is sure to come.
    this.limit = Math.max(options.bufferedBytes, response.writableHighWaterMark);
  }

  write(frame: Buffer): boolean {
    let { batch } = this;
    if (batch === undefined) {
      // Before the headers a write would send others than Nest's.
      if (!this.isOpen) return false;
      this.stepOut();
      batch = this.batch ?? writeScheduler.add(this);
    }
    this.batch = batch = batch.append(frame);
    if (batch.length > this.room && this.isOver(batch.length)) this.full = true;
    return !this.full;
  }

  /** Writes what it was given in this tick. */
  flush(): void {
    const { batch } = this;
    if (batch === undefined) return;
    this.batch = undefined;
    if (!this.isOpen) return;
    // The first time through the response, which knows whether its headers have left.
    if (this.hasWritten && this.socket === undefined) this.findSocket();
    this.hasWritten = true;
    try {
      this.writeBatch(batch);
    } catch (error) {
      // A middleware's `write`.
      this.fail(error);
    }
  }

  fail(error: unknown): void {
    logger.error(error);
    this.destroy();
  }

  private writeBatch(batch: FrameBatch): void {
    const { socket } = this;
    if (socket && this.isDirect && this.directLength === 0 && mayWriteDirectly(socket, batch.chunk)) {
      if (writeDirectly(socket, batch.chunk, this)) this.room = this.limit;
      else this.noteWaiting(batch.chunk.length);
      if (this.full) this.awaitDrain(socket);
      return;
    }
    const target = socket?.writable && !this.isHeldBack(socket) ? socket : this.response;
    if (target === socket) socket.write(batch.chunk);
    else this.guard.write(batch.frames);
    this.room = this.limit - this.directLength - target.writableLength;
    if (this.full) this.awaitDrain(target);
  }

  /** A response that is corked, or was written to in this tick, may keep bytes that a write to its socket would overtake. */
  private isHeldBack(socket: Socket): boolean {
    return this.response.writableLength > socket.writableLength;
  }

  private findSocket(): void {
    this.socket = this.options.directWrites ? getDirectSocket(this.response) : undefined;
    this.isDirect = this.socket !== undefined && canWriteDirectly(this.socket);
  }

  join(group: BroadcastGroup): boolean {
    if (this.batch !== undefined || this.full || this.directLength > 0) return false;
    const { socket } = this;
    if (!this.isOpen || !this.isDirect || !socket || !isIdle(socket)) return false;
    if (!(group instanceof SocketGroup) || !group.add(this, socket)) return false;
    this.group = group;
    return true;
  }

  leaveGroup(): Position {
    const { group } = this;
    if (group !== undefined) this.leave(group);
    return this.leftAt;
  }

  /** The subscriber is not told: it finds out before the next event of the channel, or when it asks for its position. */
  stepOut(): void {
    const { group, subscriber } = this;
    if (group === undefined) return;
    this.leave(group);
    if (subscriber) group.noteLeft(subscriber);
  }

  private leave(group: SocketGroup): void {
    this.group = undefined;
    this.leftAt = group.position;
    this.batch = group.remove(this);
    if (this.batch !== undefined) writeScheduler.add(this);
  }

  writeAlone(batch: FrameBatch): void {
    this.batch = batch;
    this.flush();
  }

  noteWaiting(length: number): void {
    this.directLength = length;
    this.room = this.limit - length;
  }

  /** The kernel has what was written past the socket's queue. */
  taken(): void {
    this.directLength = 0;
    // The socket tells 'drain' of its queue, and only where that is long.
    if (this.full && !this.isOver(0)) this.onRoom();
  }

  /** Whether bytes wait in this process for the client. */
  get hasQueue(): boolean {
    return this.directLength > 0 || this.response.writableLength > 0;
  }

  destroy(): void {
    this.subscriber?.leaveGroup();
    this.batch = undefined;
    this.response.destroy();
  }

  /** @param more bytes, besides those that wait for the client */
  private isOver(more: number): boolean {
    return this.response.writableLength + this.directLength + more > this.limit;
  }

  /** @param source what was written to: of a write past the response, the response tells no 'drain' */
  private awaitDrain(source: Writable): void {
    if (this.drainWatch) return;
    if (!this.isOver(0)) {
      // The kernel took it at once. In another turn, so that a long catch-up does not hold up everybody else.
      setImmediate(() => this.onRoom());
      return;
    }
    this.drainWatch = new DrainWatch(
      this.response,
      source,
      () => !this.isOver(0),
      this.options.stallTimeout,
      () => this.onRoom(),
      () => {
        this.stalled = true;
        this.destroy();
      },
    );
  }

  private onRoom(): void {
    if (!this.full || this.isClosed) return;
    this.full = false;
    this.drainWatch?.stop(true);
    this.drainWatch = undefined;
    this.subscriber?.drained();
  }

  /** The response has closed. Its socket may live on, for other requests. */
  protected stopWriting(): void {
    // At once: a group keeps a subscriber whose sink has left by itself until the next event of the channel.
    this.subscriber?.leaveGroup();
    this.isClosed = true;
    this.isOpen = false;
    this.batch = undefined;
    this.socket = undefined;
    this.drainWatch?.stop(false);
    this.drainWatch = undefined;
  }

  /** Writes everything before somebody else writes. */
  protected yieldSocket(): void {
    this.stepOut();
    this.flush();
  }
}
