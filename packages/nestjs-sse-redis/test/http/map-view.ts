import { ownIdOf, type SseMessage } from '@nestjs-sse-redis/testing';
import type { MapNotice } from '../../src/event/map-notice.js';
import { parseEventId } from '../../src/event/position.js';

/** The data of an event of a state channel in these tests: a page of `EventSource` takes the key from it. */
export interface Entry {
  readonly channel: string;
  readonly key: string;
  readonly value: unknown;
}

/** What a page makes of streams of state channels, by what the documentation says. */
export class MapView {
  /** By channel. */
  readonly maps = new Map<string, Map<string, unknown>>();
  /** Data of the events of plain channels. */
  readonly plain: unknown[] = [];
  /** How often a map began, of all channels. */
  begun = 0;
  /** How often the page was told that it has a map, whole. */
  completed = 0;
  /** How many events were said to be left out. */
  conflated = 0;
  /** Events of state channels, removals too. */
  received = 0;
  /** What must not happen. */
  readonly faults: string[] = [];
  private readonly last = new Map<string, number>();

  take(message: SseMessage): void {
    const { type, data } = message;
    if (type === 'gap') this.faults.push(`a gap: ${data}`);
    if (type === 'map') this.takeNotice(JSON.parse(data) as MapNotice, message);
    if (type === 'put') {
      const { channel, key, value } = JSON.parse(data) as Entry;
      this.noteOrder(channel, message);
      this.mapOf(channel).set(key, value);
    }
    if (type === 'message') this.plain.push(JSON.parse(data));
  }

  mapOf(channel: string): Map<string, unknown> {
    let map = this.maps.get(channel);
    if (!map) this.maps.set(channel, (map = new Map()));
    return map;
  }

  private takeNotice(notice: MapNotice, message: SseMessage): void {
    const { channel } = notice;
    if ('begins' in notice) {
      this.begun++;
      this.mapOf(channel).clear();
      this.last.delete(channel);
    } else if ('removed' in notice) {
      this.noteOrder(channel, message);
      this.mapOf(channel).delete(notice.removed);
    } else if ('complete' in notice) this.completed++;
    else this.conflated += notice.conflated;
  }

  private noteOrder(channel: string, message: SseMessage): void {
    this.received++;
    const position = parseEventId(ownIdOf(message))!;
    const last = this.last.get(channel) ?? -1;
    if (position <= last)
      this.faults.push(`${message.data} with ${ownIdOf(message)} came twice, or too late`);
    this.last.set(channel, position);
  }
}
