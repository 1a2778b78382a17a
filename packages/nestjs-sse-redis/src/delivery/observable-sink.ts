import type { Subscriber } from 'rxjs';
import { getId, getText, type EventRecord } from '../event/event-record.js';
import { parseEventText } from '../event/event-text.js';
import type { Position } from '../event/position.js';
import type { SseEvent } from '../event/sse-event.js';
import type { GapNotice } from '../event/gap.js';
import { MAP_TYPE, type MapNotice } from '../event/map-notice.js';
import type { Backlog } from './backlog.js';
import type { EventSink, EventSinkListener } from './event-sink.js';
import { RUN_START_TYPE } from '../broker/run-events.js';

/** The event in a record, as server code gets it. */
export function toSseEvent(channel: string, record: EventRecord): SseEvent {
  const event = { id: getId(record), channel, ...parseEventText(record.kind, getText(record)) };
  return record.keyed ? { ...event, key: decodeURIComponent(record.keyed.key) } : event;
}

/** The beginning of a run is nothing that was published: no application can publish a `position`. */
export function isRunStart({ type }: SseEvent): boolean {
  return type === RUN_START_TYPE;
}

/** The sink of `hub.events()`: an Observable in this process. */
export class ObservableSink implements EventSink {
  subscriber: EventSinkListener | undefined;

  constructor(
    private readonly observer: Subscriber<SseEvent>,
    private readonly onLive?: () => void,
    readonly isEndless = false,
    /** Without it everything is handed over at once. */
    private readonly backlog?: Backlog,
  ) {
    if (backlog) backlog.onRoom = () => this.subscriber?.drained();
  }

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
      this.observer.error(error);
      return true;
    }
    return isRunStart(event) || this.hand(event, record.frame.length);
  }

  private hand(event: SseEvent, bytes = 0): boolean {
    const hasRoom = this.backlog?.add(bytes) ?? true;
    this.observer.next(event);
    return hasRoom;
  }

  position(): boolean {
    return true;
  }

  message(): boolean {
    return true;
  }

  gap(gap: GapNotice, id: string): boolean {
    return this.hand({ id, channel: gap.channel, type: 'gap', data: gap });
  }

  map(notice: MapNotice, id: string): boolean {
    return this.hand({ id, channel: notice.channel, type: MAP_TYPE, data: notice });
  }

  join(): boolean {
    return false;
  }

  leaveGroup(): Position {
    return 0;
  }

  mayEnd(): boolean {
    return !this.isEndless;
  }

  end(): void {
    this.observer.complete();
  }
}
