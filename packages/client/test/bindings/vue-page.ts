import { createClient } from 'nestjs-sse-redis-client';
import { createApp, createSSRApp, defineComponent, h, ref } from 'vue';
import { renderToString } from 'vue/server-renderer';
import {
  useChannel,
  useClient,
  useConnectionState,
  usePresence,
  useRun,
  useStateMap,
} from '../../src/vue/index.js';

/** The same page as in React. */
const App = defineComponent({
  props: { url: { type: String, required: true } },
  setup({ url }) {
    const client = useClient(() => createClient({ url }));
    const state = useConnectionState(client);
    const order = ref('1');
    const paid = ref<string[]>([]);
    const run = useRun(client, 'answer');
    const load = (signal: AbortSignal) =>
      fetch(`/presence/order:${order.value}`, { signal }).then((answer) => answer.json());
    const presence = usePresence(client, order, load, { interval: 500 });
    const board = useStateMap(client, () => `board:${order.value}`);
    const toText = () =>
      board.value.isLoaded
        ? `${order.value}: ${[...board.value.map].map(([key, { data }]) => `${key} ${String(data)}`).join()}`
        : 'loading';
    useChannel(client, () => `order:${order.value}`, {
      paid: (data) => void paid.value.push(`${order.value} ${String(data)}`),
    });
    return () =>
      h('main', [
        h('p', { id: 'status' }, state.value.status),
        h('p', { id: 'paid' }, paid.value.join(',')),
        h(
          'p',
          { id: 'presence' },
          presence.value.isLoaded ? `${order.value}: ${presence.value.connections}` : 'asking',
        ),
        h('p', { id: 'map' }, toText()),
        h('p', { id: 'run' }, `${run.value.state}: ${run.value.text}`),
        h('button', { id: 'next', onClick: () => (order.value = '2') }, 'next'),
      ]);
  },
});

export const renderOnServer = (): Promise<string> => renderToString(createSSRApp(App, { url: '/none' }));

/** @returns a function that unmounts it */
export function mount(url: string): () => void {
  const app = createApp(App, { url });
  app.mount(document.body.appendChild(document.createElement('div')));
  return () => app.unmount();
}
