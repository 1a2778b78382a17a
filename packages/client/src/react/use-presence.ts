import { useEffect, useRef } from 'react';
import {
  NO_PRESENCE,
  watchPresence,
  type LoadPresence,
  type PresenceOptions,
  type PresenceView,
} from '../client/presence.js';
import type { SseClient } from '../client/sse-client.js';
import { useViewOf } from './use-view-of.js';

/**
 * Who is on a channel: loaded when the stream opens, when the page is shown, and every `interval` while it is.
 *
 * @param client undefined: not yet
 * @param key another one is about another channel: what is known is forgotten
 * @param load gets it from a route of the application, which returns `registry.presence('room:7')`. It may be new at each rendering
 *
 * @example
 * ```tsx
 * const { users } = usePresence(client, room, (signal) => fetch(`/rooms/${room}/presence`, { signal }).then((answer) => answer.json()));
 * ```
 */
export function usePresence(
  client: SseClient | undefined,
  key: string | number,
  load: LoadPresence,
  { interval }: PresenceOptions = {},
): PresenceView {
  const [view, setView] = useViewOf(NO_PRESENCE, [client, key]);
  const latest = useRef(load);
  useEffect(() => {
    latest.current = load;
  });
  useEffect(() => {
    setView(NO_PRESENCE);
    if (!client) return undefined;
    return watchPresence(client, (signal) => latest.current(signal), setView, { interval });
  }, [client, key, interval]);
  return view;
}
