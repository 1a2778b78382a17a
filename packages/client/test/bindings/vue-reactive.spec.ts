import { until } from '@nestjs-sse-redis/testing';
import { createClient, stateMap, StreamConnection } from 'nestjs-sse-redis-client';
import { isReactive, reactive, ref } from 'vue';
import { RawServer, stream } from '../fixtures/raw-server.js';

let server: RawServer;
beforeEach(async () => (server = await RawServer.start(stream('id: 1-0\ndata: 1\n\n'))));
afterEach(() => server.stop());

it('comes back where a page has its client in a ref(), as in a store of Pinia, and asks it to reconnect', async () => {
  const client = ref(createClient({ url: server.url }));
  const got: unknown[] = [];
  client.value.on('message', (data) => got.push(data));
  try {
    await until(() => got.length === 1);
    server.answer(stream('id: 2-0\ndata: 2\n\n'));
    client.value.reconnect();
    await until(() => got.length === 2);
    expect(server.lastEventIds).toEqual([undefined, '1-0']);
  } finally {
    client.value.close();
  }
});

it('no proxy of Vue is made of a client, a channel, a map or a connection', () => {
  const client = createClient({ url: server.url });
  const listener = { onEvent() {}, onControl() {}, onState() {} };
  const held = reactive({
    client,
    channel: client.channel('news'),
    map: stateMap(client, 'board:1'),
    connection: new StreamConnection({ url: server.url }, listener),
    // Negative control.
    plain: {},
  });
  client.close();
  const proxies = Object.entries(held).filter(([, value]) => isReactive(value));
  expect(proxies.map(([name]) => name)).toEqual(['plain']);
});
