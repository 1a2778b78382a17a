import type { Subscriber } from 'rxjs';
import { textOf, type EventRecord } from '../event/event-record.js';
import { parseEventText } from '../event/event-text.js';
import { formatEventId } from '../event/position.js';
import type { SseEvent } from '../event/sse-event.js';
import { describeGap } from './frames.js';
import type { Gap, Outlet, OutletListener } from './outlet.js';

/** The event in a record, as server code gets it. */
export function toSseEvent(channel: string, record: EventRecord): SseEvent {
  return { id: formatEventId(record.position), channel, ...parseEventText(record.kind, textOf(record)) };
}

/** The outlet of `hub.events()`: an Observable in this process. */
export class LocalOutlet implements Outlet {
  connection: OutletListener | undefined;

  constructor(
    private readonly subscriber: Subscriber<SseEvent>,
    private readonly onLive?: () => void,
  ) {}

  live(): void {
    this.onLive?.();
  }

  open(): boolean {
    return true;
  }

  late(channel: string, record: EventRecord): boolean {
    return this.event(channel, record);
  }

  event(channel: string, record: EventRecord): boolean {
    let event: SseEvent;
    try {
      event = toSseEvent(channel, record);
    } catch (error) {
      this.subscriber.error(error);
      return true;
    }
    this.subscriber.next(event);
    return true;
  }

  position(): boolean {
    return true;
  }

  message(): boolean {
    return true;
  }

  gap(gap: Gap, id: string): boolean {
    this.subscriber.next({
      id,
      channel: gap.channel,
      type: 'gap',
      data: describeGap(gap),
    });
    return true;
  }

  end(): void {
    this.subscriber.complete();
  }
}
