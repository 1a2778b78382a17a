/** As much of an EventSource as an application uses. Libraries that are no EventTarget have it too. */
export interface EventSourceLike {
  readonly readyState: number;
  addEventListener(type: string, listener: (event: MessageEvent<string | undefined>) => void): void;
  close(): void;
}

/** An event as the listener of an application receives it. */
export interface Seen {
  readonly type: string;
  readonly data: string;
  /** `MessageEvent.lastEventId`. */
  readonly id: string;
}

/** A client and the events that it has handed to its application. */
export interface WatchedSource {
  readonly source: EventSourceLike;
  readonly seen: Seen[];
}

/** Types that an application listens to. `position` is not among them: no application has a use for it. */
export const TYPES = ['message', 'tick', 'gap', 'end', 'error'];

/**
 * The application's side of a stream, as the README has it. Pages get the text of this function, so it uses nothing from
 * outside of it.
 *
 * @param closesOnEnd whether it closes the stream for good at `end`
 */
export function watchEventSource(
  source: EventSourceLike,
  types: readonly string[],
  closesOnEnd: boolean,
): WatchedSource {
  const seen: Seen[] = [];
  for (const type of types) {
    source.addEventListener(type, (event) => {
      // Without data it is no event of the server: the client's own `error`, and the own `end` of launchdarkly-eventsource.
      if (event.data === undefined) return;
      seen.push({ type, data: event.data, id: event.lastEventId });
      if (type === 'end' && closesOnEnd) source.close();
    });
  }
  return { source, seen };
}
