import { channelOf, createClient, fetchState, stateMap, type ChannelEvent } from 'nestjs-sse-redis-client';
import type {
  loose as looseDefinition,
  news as newsDefinition,
  orders as ordersDefinition,
  tokens as tokensDefinition,
} from '../../../nestjs-sse-redis/test/types/definitions.js';
import type { boards as boardsDefinition } from '../../../nestjs-sse-redis/test/types/state.js';
import { useStateMap as useStateMapOfReact } from '../../src/react/index.js';
import { useStateMap as useStateMapOfVue } from '../../src/vue/index.js';

const client = createClient({ url: '/events' });

const orders = channelOf<typeof ordersDefinition>('order:{id}');
const tokens = channelOf<typeof tokensDefinition>('answer:{user}:{id}');
const loose = channelOf<typeof looseDefinition>('loose:{id}');
const news = channelOf<typeof newsDefinition>('news');
const rooms = channelOf('room:{id}');

// The pattern is that of the definition.
// @ts-expect-error -- another pattern
channelOf<typeof ordersDefinition>('orders:{id}');
// @ts-expect-error -- none
channelOf<typeof ordersDefinition>();

// Parameters come from the pattern.
orders({ id: 7 });
orders({ id: '7' });
tokens({ user: 'anna', id: 7 });
rooms({ id: 'a' });
news();
// @ts-expect-error -- no parameters
orders();
// @ts-expect-error -- no value
orders({});
// @ts-expect-error -- no value
orders({ id: undefined });
// @ts-expect-error -- no such placeholder
orders({ id: 7, part: 'a' });
// @ts-expect-error -- one of two
tokens({ user: 'anna' });
// @ts-expect-error -- a pattern without placeholders
news({ id: 7 });
// @ts-expect-error -- another name
rooms({ number: 7 });

// Data are what JSON made of the schema's output.
const order = client.channel(orders({ id: 7 }));
order.on('paid', ({ amount, note }, event) => {
  amount.toFixed(2);
  note.trim();
  event.id.slice(1);
  // @ts-expect-error -- of another event
  void event.data.code;
});
order.on('seen', ({ at }) => {
  at.slice(0, 10);
  // @ts-expect-error -- a Date is a string behind JSON
  at.getTime();
});
order.on('gap', ({ from, to }) => `${from} ${to}`);
order.on('end', ({ outcome }) => outcome?.slice(1));
order.on('error', ({ code }) => code.slice(1));
// @ts-expect-error -- no such event
order.on('payed', () => undefined);

export async function read(): Promise<void> {
  for await (const event of order) {
    if (event.type === 'paid') event.data.amount.toFixed(2);
    if (event.type === 'gap') event.data.to.slice(1);
    // @ts-expect-error -- no such event
    if (event.type === 'payed') return;
    // @ts-expect-error -- of which event?
    void event.data.amount;
  }
}

client.channel(tokens({ user: 'anna', id: 1 })).on('message', (text) => text.trim());

// Without events in its definition, or by a name, an event is any.
client.channel(loose({ id: 1 })).on('anything', (data) => {
  // @ts-expect-error -- unknown
  void data.title;
});
client.channel('news').onEvent((event: ChannelEvent) => event.text.slice(1));
client.channel<{ article: { title: string } }>('news').on('article', ({ title }) => title.trim());

// A state has its type.
client.channel(orders({ id: 7 }), {
  getState: (signal) => fetchState<{ total: number }>('/orders/7', { signal }),
  onState: ({ total }) => total.toFixed(2),
});
client.channel(orders({ id: 7 }), {
  // @ts-expect-error -- no cursor
  getState: () => Promise.resolve({ state: 1 }),
});
// @ts-expect-error -- a function that names channels is none
client.channel(rooms);
// @ts-expect-error -- url is needed
createClient({});

// A state channel has a map of its own events.
const boards = channelOf<typeof boardsDefinition>('board:{id}');
const cards = stateMap(client, boards({ id: 7 }));
cards.onChange(({ map, isLoaded, conflated, error }) => {
  for (const [key, event] of map) if (event.type === 'moved') event.data.x.toFixed(key.length);
  return `${isLoaded} ${conflated.toFixed()} ${error?.code}`;
});
const card = cards.get('c3');
if (card?.type === 'named') card.data.trim();
// @ts-expect-error -- of which event?
void card?.data.x;
// @ts-expect-error -- no event of the map
if (card?.type === 'gap') cards.close();
// @ts-expect-error -- it is read only
cards.view.map.delete('c3');
useStateMapOfReact(client, boards({ id: 7 }))
  .map.get('c3')
  ?.key?.trim();
useStateMapOfVue(client, () => boards({ id: 7 }))
  .value.map.get('c3')
  ?.key?.trim();
// As events, there are also those of the hub.
client.channel(boards({ id: 7 })).on('map', (notice, { key }) => {
  if ('removed' in notice) notice.removed.trim();
  return key?.trim();
});
client.channel(boards({ id: 7 })).onEvent((event) => {
  if (event.type === 'moved') event.data.x.toFixed();
  if (event.type === 'map') event.data.channel.trim();
});
// @ts-expect-error -- not where there is no map
client.channel(orders({ id: 7 })).onEvent(({ type }) => type === 'map');
// @ts-expect-error -- no state channel
stateMap(client, orders({ id: 7 }));
// @ts-expect-error -- no state channel
useStateMapOfReact(client, orders({ id: 7 }));
// @ts-expect-error -- no state channel
useStateMapOfVue(client, () => orders({ id: 7 }));
// By a name, and by a pattern alone, it may be any channel.
stateMap(client, rooms({ id: 1 })).onChange(({ map }) => map.get('c3')?.text);
stateMap<{ moved: { x: number } }>(client, 'board:7').get('c3')?.data.x.toFixed();
