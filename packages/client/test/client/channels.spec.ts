import { until, useRedis } from '@nestjs-sse-redis/testing';
import { createClient, type ChannelEvent, type ClientOptions, type SseClient } from 'nestjs-sse-redis-client';
import { StreamApp } from '../fixtures/stream.app.js';

const redis = useRedis();
let app: StreamApp;
const clients: SseClient[] = [];

beforeAll(async () => {
  app = await StreamApp.start({ redis: redis.url });
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(() => app.stop());

function connect(route: string, options: Partial<ClientOptions> = {}): SseClient {
  const client = createClient({
    url: app.streamUrl(route),
    log: (entry) => logged.push(entry.message),
    ...options,
  });
  clients.push(client);
  return client;
}
const logged: string[] = [];

it('receives events of an added channel, with the data that were published', async () => {
  const client = connect('news');
  const got: ChannelEvent[] = [];
  const room = client.channel('room:1');
  room.onEvent((event) => got.push(event));
  await until(async () => (await app.registry.count({ channel: 'room:1' })) === 1);
  await app.hub.publish('room:1', { type: 'said', data: { a: 1 } });
  await app.hub.publish('room:1', { type: 'said', data: '1' });
  await app.hub.publish('room:1', { data: 1 });
  await until(() => got.length === 3);
  expect(got.map(({ type, data, channel }) => ({ type, data, channel }))).toEqual([
    { type: 'said', data: { a: 1 }, channel: 'room:1' },
    { type: 'said', data: '1', channel: 'room:1' },
    { type: 'message', data: 1, channel: 'room:1' },
  ]);
  room.close();
  await until(async () => (await app.registry.count({ channel: 'room:1' })) === 0);
});
