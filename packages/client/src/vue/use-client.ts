import { onMounted, onScopeDispose, shallowRef, type ShallowRef } from 'vue';
import type { SseClient } from '../client/sse-client.js';

/**
 * A client for as long as the component is there. Put it high up, and hand it down by `provide()`.
 *
 * @param create makes the client; called when the component has been mounted, and so never on the server
 * @returns its value is undefined on the server, and until the component has been mounted
 * @example const client = useClient(() => createClient({ url: '/events' }));
 */
export function useClient(create: () => SseClient): Readonly<ShallowRef<SseClient | undefined>> {
  const client = shallowRef<SseClient>();
  onMounted(() => (client.value = create()));
  onScopeDispose(() => {
    client.value?.close();
    client.value = undefined;
  });
  return client;
}
