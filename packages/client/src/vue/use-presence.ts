import { shallowRef, toValue, watch, type MaybeRefOrGetter, type ShallowRef } from 'vue';
import {
  NO_PRESENCE,
  watchPresence,
  type LoadPresence,
  type PresenceOptions,
  type PresenceView,
} from '../client/presence.js';
import type { SseClient } from '../client/sse-client.js';

/**
 * Who is on a channel: loaded when the stream opens, when the page is shown, and every `interval` while it is.
 *
 * @param client undefined: not yet
 * @param key another one is about another channel: what is known is forgotten
 * @param load gets it from a route of the application, which returns `registry.presence('room:7')`
 *
 * @example
 * ```ts
 * const load = (signal: AbortSignal) => fetch(`/rooms/${props.room}/presence`, { signal }).then((answer) => answer.json());
 * const presence = usePresence(client, () => props.room, load); // {{ presence.users.length }}
 * ```
 */
export function usePresence(
  client: MaybeRefOrGetter<SseClient | undefined>,
  key: MaybeRefOrGetter<string | number>,
  load: LoadPresence,
  options?: PresenceOptions,
): Readonly<ShallowRef<PresenceView>> {
  const view = shallowRef(NO_PRESENCE);
  watch(
    [() => toValue(client), () => toValue(key)] as const,
    ([current], _before, onCleanup) => {
      view.value = NO_PRESENCE;
      if (current) onCleanup(watchPresence(current, load, (changed) => (view.value = changed), options));
    },
    { immediate: true },
  );
  return view;
}
