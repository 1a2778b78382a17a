import type { ServerResponse } from 'node:http';
import type { ResponseOptions, ResponseStream } from '../hub/connecting-client.js';
import { gapFrame, messageFrame, positionFrame } from '../hub/frames.js';
import type { EventRecord } from '../event/event-record.js';
import type { Position } from '../event/position.js';
import type { Gap } from '../hub/outlet.js';

/**
 * Writes frames to a response whose headers Nest sends: `@Sse()` keeps routing, guards, filters and headers, and the
 * bytes of events go past its pipeline, which would number events that have no id of their own and format each one
 * once per client.
 */
export class ResponseOutlet implements ResponseStream {
  readonly opened: Promise<boolean>;
  readonly closed: Promise<void>;
  onDrain = (): void => undefined;
  onEnd = (): void => undefined;
  stalled = false;

  constructor(
    private readonly response: ServerResponse,
    private readonly options: ResponseOptions,
  ) {
    this.closed = new Promise((resolve) => {
      if (response.closed || response.destroyed) resolve();
      else response.once('close', resolve);
    });
    this.opened = this.headersSent();
    response.on('drain', () => {
      response.setTimeout(0);
      this.onDrain();
    });
    response.on('timeout', () => {
      this.stalled = true;
      this.destroy();
    });
  }

  get gone(): boolean {
    return this.response.destroyed || this.response.socket?.destroyed === true;
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

  write(frame: Buffer): boolean {
    // Before the headers a write would send others than Nest's.
    if (!this.isOpen || !this.response.headersSent) return false;
    this.response.write(frame);
    const { bufferedBytes, stallTimeout } = this.options;
    // Not below Node's own mark, over which it says `false` and then 'drain': that event is sure to come.
    const isFull =
      this.response.writableLength > Math.max(bufferedBytes, this.response.writableHighWaterMark);
    // Node restarts the time whenever the client has taken some of what waits.
    if (isFull) this.response.setTimeout(stallTimeout);
    return !isFull;
  }

  end(): void {
    this.onEnd();
  }

  destroy(): void {
    this.response.destroy();
  }

  private get isOpen(): boolean {
    return !this.response.writableEnded && !this.response.destroyed;
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
