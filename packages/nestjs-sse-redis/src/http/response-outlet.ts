import { Logger } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import type { ResponseOptions, ResponseStream } from '../hub/connecting-client.js';
import { gapFrame, messageFrame, positionFrame } from '../hub/frames.js';
import type { EventRecord } from '../event/event-record.js';
import type { Position } from '../event/position.js';
import type { Gap } from '../hub/outlet.js';
import { chunkSocket } from './chunk-socket.js';
import type { FrameBatch } from './frame-batch.js';
import { tick, type Flushable } from './tick.js';

const logger = new Logger('SseHub');

/**
 * Writes frames to a response whose headers Nest sends: `@Sse()` keeps routing, guards, filters and headers, and the
 * bytes of events go past its pipeline, which would number events that have no id of their own and format each one
 * once per client.
 *
 * What it is given in a tick is joined with the help of all other outlets, and written at the tick's end.
 */
export class ResponseOutlet implements ResponseStream, Flushable {
  readonly opened: Promise<boolean>;
  readonly closed: Promise<void>;
  onDrain = (): void => undefined;
  onEnd = (): void => undefined;
  stalled = false;
  /** What it was given in this tick. */
  private batch: FrameBatch | undefined;
  /** How many bytes waited for the client before this tick. */
  private waiting = 0;
  private full = false;
  private begun = false;
  private isClosed = false;
  /** Set while it waits for the client to take what it was given. */
  private leaveDrainSource: (() => void) | undefined;

  constructor(
    private readonly response: ServerResponse,
    private readonly options: ResponseOptions,
  ) {
    this.closed = new Promise((resolve) => {
      if (response.closed || response.destroyed) resolve();
      else {
        response.once('close', () => {
          this.onClosed();
          resolve();
        });
      }
    });
    this.opened = this.headersSent();
  }

  event(_channel: string, record: EventRecord): boolean {
    return this.write(record.frame);
  }

  position(position: Position): boolean {
    return this.write(positionFrame(position));
  }

  gap(gap: Gap, position: Position): boolean {
    return this.write(gapFrame(gap, position));
  }

  message(position: Position, text: string): boolean {
    return this.write(messageFrame(position, text));
  }

  get gone(): boolean {
    return this.response.destroyed || this.response.socket?.destroyed === true;
  }

  write(frame: Buffer): boolean {
    let { batch } = this;
    if (!batch) {
      // Before the headers a write would send others than Nest's.
      if (!this.isOpen || !this.response.headersSent) return false;
      this.waiting = this.response.writableLength;
      batch = tick.add(this);
    }
    this.batch = batch = batch.append(frame);
    if (this.isOver(this.waiting + batch.length)) this.full = true;
    return !this.full;
  }

  /** Writes what it was given in this tick. */
  flush(): void {
    const { batch, response } = this;
    if (!batch) return;
    this.batch = undefined;
    if (!this.isOpen) return;
    // The first time through the response, which knows whether its headers have left.
    const socket = this.begun ? chunkSocket(response) : undefined;
    this.begun = true;
    try {
      if (socket) socket.write(batch.chunk);
      else response.write(batch.frames);
    } catch (error) {
      // A middleware's `write`. The other clients of this tick have no part in it.
      logger.error(error);
      this.destroy();
      return;
    }
    if (this.full) this.awaitDrain(socket ?? response);
  }

  end(): void {
    this.flush();
    this.onEnd();
  }

  destroy(): void {
    this.batch = undefined;
    this.response.destroy();
  }

  private get isOpen(): boolean {
    return !this.isClosed && !this.response.writableEnded && !this.response.destroyed;
  }

  private isOver(bytes: number): boolean {
    // Not below Node's own mark, over which it says `false` and then 'drain': that event is sure to come.
    return bytes > this.options.bufferedBytes && bytes > this.response.writableHighWaterMark;
  }

  /** @param source what was written to: of a write past the response, the response tells no 'drain' */
  private awaitDrain(source: Writable): void {
    if (this.leaveDrainSource) return;
    if (!this.isOver(this.response.writableLength)) {
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
    this.onDrain();
  }

  private onClosed(): void {
    this.isClosed = true;
    this.batch = undefined;
    // The socket may live on, for other requests.
    this.leaveDrainSource?.();
    this.leaveDrainSource = undefined;
  }

  /**
   * Nest commits the headers on a timer of 0 ms after it subscribed. Looking for that is what works under every
   * interceptor; emitting something to make Nest commit would pass through them all, and may come out as an event.
   */
  private async headersSent(): Promise<boolean> {
    while (!this.response.headersSent) {
      if (!this.isOpen) return false;
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    return this.isOpen;
  }
}
