import polyfill from 'event-source-polyfill';
import { EventSource as EventSource4 } from 'eventsource';
import EventSource2 from 'eventsource-2';
import { EventSource as EventSource3 } from 'eventsource-3';
import { createEventSource } from 'eventsource-client';
import launchDarkly from 'launchdarkly-eventsource';
import { EventSource as UndiciEventSource } from 'undici';
import type { LibraryName } from './client-names.js';
import { READY_STATES, type ClientState } from './client-state.js';
import { TYPES, watchEventSource, type EventSourceLike, type Seen } from './watch-event-source.js';

/** A client of a library, in this process. */
export interface LibraryClient {
  state(): ClientState;
  close(): void;
}

type Open = (url: string, closesOnEnd: boolean) => LibraryClient;

/** How each library is opened. Nothing but the library itself keeps the position and reconnects. */
export const libraries: Readonly<Record<LibraryName, Open>> = {
  'eventsource 2': eventSource((url) => new EventSource2(url)),
  'eventsource 3': eventSource((url) => new EventSource3(url)),
  'eventsource 4': eventSource((url) => new EventSource4(url)),
  'eventsource-client': openEventSourceClient,
  // On Node 20 and later it cuts a stream after 5 s of silence, which is the timeout of Node's default agent.
  'launchdarkly-eventsource': eventSource(
    (url) => new launchDarkly.EventSource(url, { readTimeoutMillis: 60_000 }),
  ),
  'event-source-polyfill': eventSource((url) => new polyfill.EventSourcePolyfill(url)),
  undici: eventSource((url) => new UndiciEventSource(url)),
};

function eventSource(create: (url: string) => EventSourceLike): Open {
  return (url, closesOnEnd) => {
    const { source, seen } = watchEventSource(create(url), TYPES, closesOnEnd);
    return {
      state: () => ({ seen, readyState: READY_STATES[source.readyState]! }),
      close: () => source.close(),
    };
  };
}

/** It hands every event to one callback, `position` too. */
function openEventSourceClient(url: string, closesOnEnd: boolean): LibraryClient {
  const seen: Seen[] = [];
  const source = createEventSource({
    url,
    onMessage: ({ event: type = 'message', data, id = '' }) => {
      if (!TYPES.includes(type)) return;
      seen.push({ type, data, id });
      if (type === 'end' && closesOnEnd) source.close();
    },
  });
  return { state: () => ({ seen, readyState: source.readyState }), close: () => source.close() };
}
