import { FrameBatch } from './frame-batch.js';

/** What has frames to write: an outlet, or a unison of them. */
export interface Flushable {
  flush(): void;
}

/**
 * Gathers the frames of a tick, and has them written at its end: a burst costs one write a connection, not one an event.
 *
 * ioredis hands over all messages of one read from Redis in one callback, and what connections catch up with comes in
 * promises. Node runs `process.nextTick` after the callback, and again only when no promise job is left, so that all of
 * these come before the write, and nothing waits longer than it would have for its own.
 */
class Tick {
  private outlets: Flushable[] = [];
  private batch = new FrameBatch();
  private readonly flush = (): void => {
    const { outlets } = this;
    // First, since who is flushed may be given something for the next tick.
    this.outlets = [];
    this.batch = new FrameBatch();
    for (const outlet of outlets) outlet.flush();
  };

  /** Returns the empty batch, to append to. */
  add(outlet: Flushable): FrameBatch {
    if (this.outlets.push(outlet) === 1) process.nextTick(this.flush);
    return this.batch;
  }
}

/** The one of this process: all hubs share its ticks. */
export const tick = new Tick();
