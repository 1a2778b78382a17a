import { Observable, type Subscriber as Observer } from 'rxjs';
import { HubClosedError } from '../errors/hub-closed.error.js';
import { RedisRefusedError } from '../errors/redis-refused.error.js';
import { RedisUnavailableError } from '../errors/redis-unavailable.error.js';
import type { SseEvent } from '../event/sse-event.js';
import type { Backlog } from './backlog.js';
import type { HubCounters } from './hub-counters.js';
import { ObservableSink } from './observable-sink.js';
import type { StartOptions, SubscriberPool } from './open-subscriber.interface.js';

export interface ObserveOptions extends StartOptions {
  /** The counters of its deliveries, where these are not to count with all others. */
  readonly counters?: HubCounters;
  /** Called when all retained events were emitted. */
  readonly onLive?: () => void;
  /** It goes on behind the end of a run or a pipe. */
  readonly isEndless?: boolean;
  /** Of a subscriber that says what it has handled. */
  readonly backlog?: Backlog;
}

/** Whether the hub runs. */
export interface Lifecycle {
  readonly isStarted: boolean;
  readonly isClosed: boolean;
  /** Resolves when the hub has started, or was closed before. */
  readonly decided: Promise<void>;
}

/**
 * The events of a channel as an Observable in this process.
 *
 * Who subscribes before the hub has started, or while Redis is away, waits: an error without a handler ends the process,
 * and all its streams with it. It completes when the hub closes.
 */
export function observeChannel(
  subscribers: SubscriberPool,
  channel: string,
  options: ObserveOptions,
  hub: Lifecycle,
): Observable<SseEvent> {
  return new Observable((observer) => {
    if (hub.isClosed) return observer.error(new HubClosedError('The hub is closed, as the application is.'));
    const observation = new Observation(subscribers, channel, options, hub, observer);
    if (hub.isStarted) observation.open();
    else void hub.decided.then(() => observation.open());
    return () => observation.close();
  });
}

/** One subscription to the Observable. */
class Observation {
  private release: (() => void) | undefined;
  private isLeft = false;

  constructor(
    private readonly subscribers: SubscriberPool,
    private readonly channel: string,
    private readonly options: ObserveOptions,
    private readonly hub: Lifecycle,
    private readonly observer: Observer<SseEvent>,
  ) {}

  open(): void {
    if (this.isLeft) return;
    if (this.hub.isClosed) return this.observer.complete();
    const { counters, onLive, isEndless, backlog, ...start } = this.options;
    this.release = this.subscribers.open(
      [this.channel],
      start,
      new ObservableSink(this.observer, onLive, isEndless, backlog),
      {
        failed: (error) => this.onFailed(error),
        ...(counters && { counters }),
      },
    );
  }

  close(): void {
    this.isLeft = true;
    this.release?.();
  }

  private onFailed(error: unknown): void {
    const isOutage = error instanceof RedisUnavailableError || error instanceof RedisRefusedError;
    if (!isOutage) return this.observer.error(error);
    void this.openAgain();
  }

  private async openAgain(): Promise<void> {
    await this.subscribers.retryTime(this.channel);
    this.open();
  }
}
