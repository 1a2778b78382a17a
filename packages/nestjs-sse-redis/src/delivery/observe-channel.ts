import { Observable } from 'rxjs';
import type { SseEvent } from '../event/sse-event.js';
import type { HubCounters } from './hub-counters.js';
import { ObservableSink } from './observable-sink.js';
import type { StartOptions, Subscribers } from './subscribers.js';

export interface ObserveOptions extends StartOptions {
  /** The counters of its deliveries, where these are not to count with all others. */
  readonly counters?: HubCounters;
  /** Called when all retained events were emitted. */
  readonly onLive?: () => void;
}

/**
 * The events of a channel as an Observable in this process.
 *
 * @param check called for each subscription; throws while the hub does not run
 */
export function observeChannel(
  subscribers: Subscribers,
  channel: string,
  { counters, onLive, ...start }: ObserveOptions,
  check: () => void,
): Observable<SseEvent> {
  return new Observable((observer) => {
    check();
    return subscribers.open([channel], start, new ObservableSink(observer, onLive), {
      failed: (error) => observer.error(error),
      ...(counters && { counters }),
    });
  });
}
