import { createClient, type SseClient } from 'nestjs-sse-redis-client';
import { Activity, createElement as element, StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import {
  useChannel,
  useClient,
  useConnectionState,
  usePresence,
  useRun,
  useStateMap,
} from '../../src/react/index.js';

declare global {
  interface Window {
    /** Of the run that the test has begun. */
    runId?: string;
  }
}

/** The page of the test, in StrictMode, which mounts each component twice. */
export function App({ url }: { url: string }) {
  const [user, setUser] = useState('anna');
  const client = useClient(() => createClient({ url }), user);
  const { status } = useConnectionState(client);
  const [order, setOrder] = useState('1');
  const [paid, setPaid] = useState<string[]>([]);
  const [after, setAfter] = useState<string>();
  const { text, state } = useRun(client, 'answer', after);
  const load = (signal: AbortSignal) => fetch(`/presence/order:${order}`, { signal }).then((r) => r.json());
  const { connections, isLoaded } = usePresence(client, order, load, { interval: 500 });
  const { map, isLoaded: isMap } = useStateMap(client, `board:${order}`);
  const cards = [...map].map(([key, { data }]) => `${key} ${String(data)}`);
  useChannel(client, `order:${order}`, {
    // A new function at each rendering, which sees the state of that rendering.
    paid: (data) => setPaid((before) => [...before, `${order} ${String(data)}`]),
  });
  const button = (id: string, onClick: () => void) => element('button', { id, onClick }, id);
  return element(
    'main',
    null,
    element('p', { id: 'status' }, status),
    element('p', { id: 'paid' }, paid.join(',')),
    element('p', { id: 'presence' }, isLoaded ? `${order}: ${connections}` : 'asking'),
    element('p', { id: 'map' }, isMap ? `${order}: ${cards.join()}` : 'loading'),
    element('p', { id: 'run' }, `${state}: ${text}`),
    button('next', () => setOrder('2')),
    button('sign-out', () => setUser('ben')),
    button('sign-out-and-next', () => {
      setUser('ben');
      setOrder('2');
    }),
    button('resume', () => setAfter(window.runId)),
  );
}

export const renderOnServer = (): string => renderToString(element(App, { url: '/none' }));

/** @returns a function that unmounts it */
export function mount(url: string): () => void {
  const root = createRoot(document.body.appendChild(document.createElement('div')));
  root.render(element(StrictMode, null, element(App, { url })));
  return () => root.unmount();
}

/** What a page hides, and keeps: `<Activity>` ends its effects, and leaves its state. */
function Tab({ client, after }: { client: SseClient | undefined; after: string | undefined }) {
  const [paid, setPaid] = useState<string[]>([]);
  useChannel(
    client,
    'order:1',
    {
      paid: (data) => setPaid((before) => [...before, String(data)]),
      gap: () => setPaid((before) => [...before, 'gap']),
    },
    { after },
  );
  const run = useRun(client, 'answer', after);
  return element('p', { id: 'tab' }, `${paid.join()} ${run.state} ${run.text}`);
}

function Tabs({ url, after }: { url: string; after: string | undefined }) {
  const client = useClient(() => createClient({ url }));
  const [isShown, setShown] = useState(true);
  return element(
    'main',
    null,
    element('button', { id: 'toggle', onClick: () => setShown((before) => !before) }),
    element(Activity, { mode: isShown ? 'visible' : 'hidden', children: element(Tab, { client, after }) }),
  );
}

/** @param after undefined: from now on */
export function mountTabs(url: string, after?: string): void {
  const root = createRoot(document.body.appendChild(document.createElement('div')));
  root.render(element(StrictMode, null, element(Tabs, { url, after })));
}
