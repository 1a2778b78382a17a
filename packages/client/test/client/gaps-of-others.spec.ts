import { until, useRedis } from '@nestjs-sse-redis/testing';
import { createClient, type GapData, type SseClient } from 'nestjs-sse-redis-client';
import { StreamApp } from '../fixtures/stream.app.js';

const redis = useRedis();
let app: StreamApp;
let client: SseClient;

beforeAll(async () => {
  app = await StreamApp.start({ redis: redis.url });
});
afterAll(async () => {
  client.close();
  await app.stop();
});

it('keeps a gap from a holder that has what lies behind it, where another one asks for events from before', async () => {
  client = createClient({ url: app.streamUrl('news'), log: () => undefined });
  const gaps: GapData[] = [];
  const got: unknown[] = [];
  let loads = 0;
  const getState = async () => ({ state: ++loads, cursor: await app.hub.cursor() });
  const onGap = (gap: GapData) => gaps.push(gap);
  client.channel('room', { getState, onGap, gapSpread: 0 }).on('message', (data) => got.push(data));
  await until(async () => (await app.registry.count({ channel: 'room' })) === 1);
  await app.hub.publish('room', { data: 'one' });
  await until(() => got.length === 1);

  const older: unknown[] = [];
  client.channel('room', { after: '1-0' }).onEvent(({ type, data }) => older.push(type, data));
  await until(() => older.includes('one'));
  await app.hub.publish('room', { data: 'two' });
  await until(() => got.length === 2 && older.includes('two'));
  expect(older).toEqual([
    'gap',
    expect.objectContaining({ from: '1-0' }),
    'message',
    'one',
    'message',
    'two',
  ]);
  expect({ gaps, got, loads }).toEqual({ gaps: [], got: ['one', 'two'], loads: 1 });
});
