import { AsyncResource } from 'node:async_hooks';
import type { EventRecord } from '../../event/event-record.js';

interface Announcement {
  readonly channel: string;
  readonly record: EventRecord;
}

/**
 * Announces events after the publish that makes them, so that a listener that publishes does not put its event before the one it is
 * being told of.
 *
 * The listeners have the async context (`AsyncLocalStorage`) in which the broker was made, as they have that of no request over Redis.
 * Publishes of a turn are announced together: in the context of the first, listeners would take the user, or the transaction, of one
 * request for that of another.
 */
export class MemoryAnnouncements {
  private readonly waiting: Announcement[] = [];
  private readonly context = new AsyncResource('SSE_BROKER');

  constructor(private readonly announce: (channel: string, record: EventRecord) => void) {}

  add(channel: string, record: EventRecord): void {
    if (this.waiting.push({ channel, record }) > 1) return;
    queueMicrotask(() => this.context.runInAsyncScope(() => this.announceAll()));
  }

  private announceAll(): void {
    // Grows while it is walked, by listeners that publish.
    for (const { channel, record } of this.waiting) this.announce(channel, record);
    this.waiting.length = 0;
  }
}
