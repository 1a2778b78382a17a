import { useEffect, useState } from 'react';
import type { SseClient } from '../client/sse-client.js';

/**
 * A client for as long as the component is there. Put it high up, and hand it down by a context.
 *
 * @param create makes the client; called in an effect, and so never on the server
 * @param key another one makes another client, such as the id of the user who is signed in
 * @returns undefined on the server, and until the component has been mounted
 * @example const client = useClient(() => createClient({ url: '/events' }), user.id);
 */
export function useClient(create: () => SseClient, key?: string | number): SseClient | undefined {
  const [own, setOwn] = useState<{ readonly client: SseClient; readonly key: typeof key }>();
  useEffect(() => {
    const client = create();
    setOwn({ client, key });
    return () => {
      setOwn(undefined);
      client.close();
    };
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- a function that is new at each rendering is no other client
  }, [key]);
  // At once: effects of this rendering would ask the client of the user before, which is closed by then, for channels of this one.
  return own && Object.is(own.key, key) ? own.client : undefined;
}
