import { FrameBatch } from './frame-batch.js';

/** Has frames to write. */
export interface Flushable {
  flush(): void;
}

/**
 * Gathers the frames of a tick, and has them written at its end: a burst costs one write a connection, not one an event.
 *
 * ioredis hands over all messages of one read from Redis in one callback, and what connections catch up with comes in
 * promises. Node runs `process.nextTick` after the callback, and again only when no promise job is left. So all of
 * these come before the write, and nothing waits longer than it would have for its own.
 */
class WriteScheduler {
  private sinks: Flushable[] = [];
  private batch = new FrameBatch();
  private readonly flush = (): void => {
    const { sinks } = this;
    // First, since who is flushed may be given something for the next tick.
    this.sinks = [];
    this.batch = new FrameBatch();
    for (const sink of sinks) sink.flush();
  };

  /** Returns the empty batch, to append to. */
  add(sink: Flushable): FrameBatch {
    if (this.sinks.push(sink) === 1) process.nextTick(this.flush);
    return this.batch;
  }
}

/** The one of this process: all hubs share its ticks. */
export const writeScheduler = new WriteScheduler();
