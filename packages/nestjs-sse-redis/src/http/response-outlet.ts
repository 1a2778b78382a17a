import { Logger } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex, Writable } from 'node:stream';
import type { ResponseListener, ResponseOptions, ResponseStream } from '../hub/connecting-client.js';
import {
  gapFrame,
  lateFrame,
  messageFrame,
  positionFrame,
  positionFrameOf,
  retryFrame,
} from '../hub/frames.js';
import type { EventRecord } from '../event/event-record.js';
import type { Position } from '../event/position.js';
import type { Gap, OutletListener, Unison } from '../hub/outlet.js';
import { chunkSocket } from './chunk-socket.js';
import type { FrameBatch } from './frame-batch.js';
import { abortSignal, type NestStream } from './nest-stream.js';
import type { GuardedStream, ResponseGuard } from './response-guard.js';
import { ResponseUnison, type Member } from './response-unison.js';
import { canWriteStraight, mayGoStraight, writeStraight } from './straight-write.js';
import { tick, type Flushable } from './tick.js';

const logger = new Logger('SseHub');

/** ms for what an application has concatenated with a stream, once the hub has ended it. */
const LAST_WORDS = 1_000;

/** A response of HTTP/2 has a stream of its own, and shares its socket. */
interface Http2Response {
  readonly stream?: Duplex;
}

/**
 * Writes frames to a response whose headers Nest sends: `@Sse()` keeps routing, guards, filters and headers, and the
 * bytes of events go past its pipeline, which would number events that have no id of their own and format each one
 * once per client.
 *
 * What it is given in a tick is joined with the help of all other outlets, and written at the tick's end. `write` and
 * `flush` run once for each event and client that is in no unison: they keep to fields of this object and of the socket, which is written to
 * anyway. To ask the response costs a microsecond: hardly any of it is in the processor's cache, and on Express, where its
 * classes are not aligned (express-classes.ts), each has a hidden class of its own, so that V8 looks up every property anew.
 */
export class ResponseOutlet implements ResponseStream, Flushable, Member, GuardedStream {
  connection: OutletListener | undefined = undefined;
  stream: ResponseListener | undefined = undefined;
  stalled = false;
  unison: ResponseUnison | undefined = undefined;
  place = 0;
  hasEvents = false;
  /** The hub has ended it. */
  hasEnded = false;
  /** The headers are out, and it has not closed. */
  private isOpen = false;
  private isClosed = false;
  private full = false;
  /** Something was written. */
  private begun = false;
  /** Nest's part in it, until it lets go. */
  private nest: NestStream | undefined;
  /** What it was given in this tick. */
  private batch: FrameBatch | undefined = undefined;
  /** How many bytes may wait for the client. */
  private readonly limit: number;
  /** How many bytes at least can be given in this tick. */
  private room = 0;
  /** Written to past the response, once it was found that it may be. */
  private socket: Socket | undefined = undefined;
  /** And past its queue. */
  private isStraight = false;
  /** Bytes that were written past it, and wait for the client. */
  private straightLength = 0;
  /** Set while it waits for the client to take what it was given. */
  private leaveDrainSource: (() => void) | undefined = undefined;

  constructor(
    private readonly response: ServerResponse,
    nest: NestStream,
    private readonly guard: ResponseGuard,
    private readonly options: ResponseOptions,
  ) {
    this.nest = nest;
    guard.stream = this;
    // Not below Node's own mark, over which it says `false` and then 'drain': that event is sure to come.
    this.limit = Math.max(options.bufferedBytes, response.writableHighWaterMark);
    if (response.closed || response.destroyed) queueMicrotask(() => this.onClosed());
    else response.on('close', () => this.onClosed());
  }

  open(id: string | undefined, retry: number | undefined): boolean {
    return this.write(retryFrame(retry, id));
  }

  event(_channel: string, record: EventRecord): boolean {
    this.hasEvents = true;
    return this.write(record.frame);
  }

  late(_channel: string, record: EventRecord, id: string): boolean {
    return this.write(lateFrame(record, id));
  }

  position(position: Position, id?: string): boolean {
    return this.write(id === undefined ? positionFrame(position) : positionFrameOf(id));
  }

  gap(gap: Gap, id: string | undefined): boolean {
    return this.write(gapFrame(gap, id));
  }

  message(id: string, text: string): boolean {
    return this.write(messageFrame(id, text));
  }

  get gone(): boolean {
    const { response } = this;
    const { stream } = response as Http2Response;
    return response.destroyed || response.socket?.destroyed === true || stream?.destroyed === true;
  }

  /**
   * Nest commits the headers on a timer of 0 ms after it subscribed. Looking for that is what works under every
   * interceptor; emitting something to make Nest commit would pass through them all, and may come out as an event.
   */
  async opened(): Promise<boolean> {
    const { response } = this;
    while (!response.headersSent) {
      if (this.isClosed || response.writableEnded || response.destroyed) return false;
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    // A HEAD request has no more than its headers.
    this.isOpen = !this.isClosed && !response.writableEnded && !response.destroyed;
    if (this.isOpen && this.nest?.letGo()) this.nest = undefined;
    return this.isOpen;
  }

  async closed(): Promise<void> {
    if (!this.isClosed) await new Promise<void>((resolve) => this.response.once('close', resolve));
  }

  write(frame: Buffer): boolean {
    let { batch } = this;
    if (batch === undefined) {
      // Before the headers a write would send others than Nest's.
      if (!this.isOpen) return false;
      this.part();
      batch = this.batch ?? tick.add(this);
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
    if (this.begun && this.socket === undefined) this.findSocket();
    this.begun = true;
    try {
      this.writeBatch(batch);
    } catch (error) {
      // A middleware's `write`.
      this.failed(error);
    }
  }

  failed(error: unknown): void {
    logger.error(error);
    this.destroy();
  }

  private writeBatch(batch: FrameBatch): void {
    const { socket } = this;
    if (socket && this.isStraight && this.straightLength === 0 && mayGoStraight(socket, batch.chunk)) {
      if (writeStraight(socket, batch.chunk, this)) this.room = this.limit;
      else this.waits(batch.chunk.length);
      if (this.full) this.awaitDrain(socket);
      return;
    }
    const target = socket?.writable ? socket : this.response;
    if (target === socket) socket.write(batch.chunk);
    else this.guard.write(batch.frames);
    this.room = this.limit - this.straightLength - target.writableLength;
    if (this.full) this.awaitDrain(target);
  }

  private findSocket(): void {
    this.socket = chunkSocket(this.response);
    this.isStraight = this.socket !== undefined && canWriteStraight(this.socket);
  }

  createUnison(): Unison {
    return new ResponseUnison();
  }

  join(unison: Unison): boolean {
    if (this.batch !== undefined || this.full || this.straightLength > 0) return false;
    const { socket } = this;
    if (!this.isOpen || !this.isStraight || socket?.writableLength !== 0) return false;
    if (!(unison instanceof ResponseUnison)) return false;
    unison.add(this, socket);
    this.unison = unison;
    return true;
  }

  part(): void {
    if (this.unison !== undefined) this.connection?.part();
  }

  leave(): void {
    this.batch = this.unison?.remove(this);
    this.unison = undefined;
    if (this.batch !== undefined) tick.add(this);
  }

  writeAlone(batch: FrameBatch): void {
    this.batch = batch;
    this.flush();
  }

  waits(length: number): void {
    this.straightLength = length;
    this.room = this.limit - length;
  }

  /** The kernel has what was written past the socket's queue. */
  taken(): void {
    this.straightLength = 0;
    // The socket tells 'drain' of its queue, and only where that is long.
    if (this.full && !this.isOver(0)) this.onRoom();
  }

  end(): void {
    this.flush();
    this.hasEnded = true;
    this.stream?.ended();
    if (!this.nest) return this.guard.end();
    this.nest.end();
    // What the application has merged with the stream may go on for ever, and keep the client from coming back.
    setTimeout(() => this.guard.end(), LAST_WORDS).unref();
  }

  destroy(): void {
    this.part();
    this.batch = undefined;
    this.response.destroy();
  }

  get lastId(): string | undefined {
    return this.stream?.finalId ?? this.connection?.lastId;
  }

  makeWay(): void {
    this.part();
    this.flush();
    // What follows must not overtake what a response holds back that somebody has corked.
    if (this.response.writableCorked > 0) this.socket = undefined;
  }

  /** When the response has ended, its socket is the next request's, long before it closes. */
  onEnd(): void {
    this.part();
    this.interrupt();
    this.flush();
    this.isOpen = false;
  }

  /** Nest unsubscribes: the client has left, or an operator or an interceptor has ended the stream. */
  interrupt(): void {
    if (this.isClosed || this.gone || this.response.req.method === 'HEAD') this.stream?.left();
    else this.stream?.interrupted();
  }

  /** @param more bytes, besides those that wait for the client */
  private isOver(more: number): boolean {
    return this.response.writableLength + this.straightLength + more > this.limit;
  }

  /** @param source what was written to: of a write past the response, the response tells no 'drain' */
  private awaitDrain(source: Writable): void {
    if (this.leaveDrainSource) return;
    if (!this.isOver(0)) {
      // The kernel took it at once. In another turn, so that a long catch-up does not hold up everybody else.
      setImmediate(() => this.onRoom());
      return;
    }
    const { response } = this;
    const onDrain = (): void => this.onRoom();
    const onTimeout = (): void => {
      this.stalled = true;
      this.destroy();
    };
    source.on('drain', onDrain);
    response.on('timeout', onTimeout);
    // Node restarts the time whenever the client has taken some of what waits.
    response.setTimeout(this.options.stallTimeout);
    this.leaveDrainSource = () => {
      source.off('drain', onDrain);
      response.off('timeout', onTimeout);
    };
  }

  private onRoom(): void {
    if (!this.full || this.isClosed) return;
    this.full = false;
    if (this.leaveDrainSource) {
      this.leaveDrainSource();
      this.leaveDrainSource = undefined;
      this.response.setTimeout(0);
    }
    this.connection?.drained();
  }

  private onClosed(): void {
    this.part();
    this.isClosed = true;
    this.isOpen = false;
    this.batch = undefined;
    // The socket may live on, for other requests.
    this.socket = undefined;
    this.leaveDrainSource?.();
    this.leaveDrainSource = undefined;
    if (!this.nest) abortSignal(this.response);
    this.stream?.left();
  }
}
