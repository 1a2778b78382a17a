import { shallowRef, toValue, watch, type MaybeRefOrGetter, type ShallowRef } from 'vue';
import type { SseClient } from '../client/sse-client.js';
import type { ConnectionState } from '../connection/connection-state.js';

/** What is known before there is a client, and on the server. */
const BEFORE: ConnectionState = { status: 'connecting', attempt: 0 };

/**
 * The state of a client's connection.
 *
 * @param client undefined: not yet
 * @example const state = useConnectionState(client); // {{ state.status }}
 */
export function useConnectionState(
  client: MaybeRefOrGetter<SseClient | undefined>,
): Readonly<ShallowRef<ConnectionState>> {
  const state = shallowRef(BEFORE);
  watch(
    () => toValue(client),
    (current, _before, onCleanup) => {
      state.value = current?.state ?? BEFORE;
      if (current) onCleanup(current.onState((changed) => (state.value = changed)));
    },
    { immediate: true },
  );
  return state;
}
