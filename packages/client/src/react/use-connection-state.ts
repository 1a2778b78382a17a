import { useCallback, useSyncExternalStore } from 'react';
import type { SseClient } from '../client/sse-client.js';
import type { ConnectionState } from '../connection/connection-state.js';

/** What is known before there is a client, and on the server. */
const BEFORE: ConnectionState = { status: 'connecting', attempt: 0 };

/**
 * The state of a client's connection, which renders the component anew at each change.
 *
 * @param client undefined: not yet
 * @example const { status } = useConnectionState(client);
 */
export function useConnectionState(client: SseClient | undefined): ConnectionState {
  const subscribe = useCallback(
    (onChange: () => void) => client?.onState(onChange) ?? (() => undefined),
    [client],
  );
  return useSyncExternalStore(
    subscribe,
    () => client?.state ?? BEFORE,
    () => BEFORE,
  );
}
