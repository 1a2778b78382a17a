import { until, useRedis } from '@nestjs-sse-redis/testing';
import {
  channelOf,
  createClient,
  fetchState,
  isAfter,
  SseClientError,
  type ChannelEvent,
  type ClientOptions,
  type SseClient,
} from 'nestjs-sse-redis-client';
import { setTimeout as pause } from 'node:timers/promises';
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

it('receives each event of channels that are put on a stream without any, over returns', async () => {
  const client = connect('');
  const got: unknown[] = [];
  const room = client.channel('room:alone');
  room.on('message', (data) => got.push(data));
  await until(async () => (await app.registry.count({ channel: 'room:alone' })) === 1);
  for (let i = 0; i < 3; i++) {
    await app.hub.publish('room:alone', { data: i });
    await app.hub.disconnect({ channel: 'room:alone' }, { reconnect: true });
  }
  await until(async () => (await app.registry.count({ channel: 'room:alone' })) === 1);
  await app.hub.publish('room:alone', { data: 3 });
  await until(() => got.length >= 4);
  expect(got).toEqual([0, 1, 2, 3]);
  room.close();
  await until(async () => (await app.registry.count({ channel: 'room:alone' })) === 0);
  expect(client.state.status).toBe('open');
});

const count = (channel: string) => app.registry.count({ channel });

/** Resolves when a channel is on its stream. */
const isOn = (channel: string) => until(async () => (await count(channel)) === 1);

it('leaves a channel on the stream until the last of its holders has closed', async () => {
  const client = connect('news');
  const first = client.channel('room:2');
  const second = client.channel('room:2');
  await isOn('room:2');
  const got: unknown[] = [];
  second.on('message', (data) => got.push(data));
  first.close();
  first.close();
  await app.hub.publish('room:2', { data: 'still' });
  await until(() => got.length === 1);
  expect(await count('room:2')).toBe(1);
  second.close();
  await until(async () => (await count('room:2')) === 0);
});

it('asks for nothing where a channel is closed and taken up again in one turn', async () => {
  const posts: string[] = [];
  let answered = 0;
  const client = connect('news', {
    fetch: async (url, init) => {
      if (init?.method !== 'POST') return fetch(url, init);
      posts.push(init.body as string);
      const response = await fetch(url, init);
      answered++;
      return response;
    },
  });
  const first = client.channel('room:3');
  await until(() => answered === 1);
  first.close();
  client.channel('room:3');
  client.channel('room:4');
  await isOn('room:4');
  expect(posts.map((body) => JSON.parse(body) as object)).toMatchObject([
    { subscribe: ['room:3'], unsubscribe: [] },
    { subscribe: ['room:4'], unsubscribe: [] },
  ]);
});

it('reports a channel that authorize refuses, and keeps the others', async () => {
  app.rights.forbidden.add('secret:1');
  const client = connect('news');
  const refused = client.channel('secret:1');
  const errors: unknown[] = [];
  refused.on('error', ({ code }) => errors.push(code));
  const reading = refused[Symbol.asyncIterator]().next();
  client.channel('room:5');
  await expect(reading).rejects.toMatchObject({ code: 'CHANNEL_REFUSED' });
  expect(errors).toEqual(['CHANNEL_REFUSED']);
  await isOn('room:5');
});

it('reports a channel that the server takes off, does not put it back, and keeps the others', async () => {
  const client = connect('news');
  const taken = client.channel('taken:1');
  const errors: unknown[] = [];
  taken.on('error', ({ code, error }) => errors.push(code, error?.message));
  client.channel('room:7');
  await Promise.all(['taken:1', 'room:7'].map(isOn));
  const { connections } = await app.registry.list({ channel: 'taken:1' });
  await app.hub.unsubscribe(connections[0]!.id, 'taken:1');
  await until(() => errors.length > 0);
  expect(errors).toEqual(['CHANNEL_REFUSED', expect.stringContaining('hub.unsubscribe()')]);
  client.reconnect();
  await until(async () => {
    const { connections: now } = await app.registry.list({ channel: 'room:7' });
    return now.length === 1 && now[0]!.id !== connections[0]!.id;
  });
  expect(await count('taken:1')).toBe(0);
});

it('begins after an id that is older than the stream, also in a channel of its route', async () => {
  const cursor = await app.hub.cursor();
  for (const channel of ['news', 'room:6']) await app.hub.publish(channel, { data: 'early' });
  const client = connect('news');
  const got: string[] = [];
  await until(() => client.state.status === 'open');
  for (const name of ['news', 'room:6'])
    client.channel(name, { after: cursor }).on('message', (data) => got.push(`${name} ${String(data)}`));
  await until(() => got.length === 2);
  for (const channel of ['news', 'room:6']) await app.hub.publish(channel, { data: 'late' });
  await until(() => got.length === 4);
  expect(got.sort()).toEqual(['news early', 'news late', 'room:6 early', 'room:6 late']);
});

it('loads the state before the events that follow its cursor', async () => {
  const client = connect('news');
  const got: unknown[] = [];
  await app.hub.publish('room:7', { data: 'in the state' });
  const room = client.channel('room:7', {
    getState: async () => {
      const cursor = await app.hub.cursor();
      await app.hub.publish('room:7', { data: 'while it loads' });
      return { state: 'state', cursor };
    },
    onState: (state) => got.push(state),
  });
  room.on('message', (data) => got.push(data));
  await until(() => got.length === 2);
  expect(got).toEqual(['state', 'while it loads']);
});

it('loads the state anew after a gap, and events wait for it', async () => {
  const client = connect('news');
  const got: unknown[] = [];
  let loads = 0;
  await app.hub.publish('room:8', { data: 'one' });
  const room = client.channel('room:8', {
    after: '1-0',
    gapSpread: 0,
    getState: async () => {
      if (++loads === 1) throw new Error('not yet');
      const cursor = await app.hub.cursor();
      await app.hub.publish('room:8', { data: 'after the state' });
      return { state: `state ${loads}`, cursor };
    },
    onState: (state) => got.push(state),
    onGap: ({ channel }) => got.push(`gap ${channel}`),
  });
  room.on('message', (data) => got.push(data));
  room.on('error', ({ code }) => got.push(code));
  await until(() => got.includes('after the state'));
  expect(got).toEqual(['gap room:8', 'STATE_FAILED', 'state 2', 'after the state']);
});

it('reads the cursor of a state from its header', async () => {
  const { state, cursor } = await fetchState<{ total: number }>(`${app.url}/state`);
  expect(state).toEqual({ total: 7 });
  const { id } = await app.hub.publish('news', { data: 1 });
  expect(isAfter(id, cursor)).toBe(true);
  await expect(fetchState(`${app.url}/snapshot`)).rejects.toThrow(
    /@SseSnapshot\(\), and keep it out of a CacheInterceptor/,
  );
});

it('ends a loop at the end of a channel, and on abort', async () => {
  const client = connect('news');
  const controller = new AbortController();
  const whole = client.channel('run:1');
  const aborted = client.channel('room:9', { signal: controller.signal });
  const ended = (async () => {
    const types: string[] = [];
    for await (const event of whole) types.push(event.type);
    return types;
  })();
  const left = (async () => {
    for await (const event of aborted) return event.type;
    return 'over';
  })();
  await isOn('run:1');
  await app.hub.pipe('run:1', ['a', 'b', 'c']);
  expect(await ended).toEqual(['message', 'message', 'message', 'end']);
  controller.abort();
  expect(await left).toBe('over');
  expect(aborted.isClosed).toBe(true);
});

it('ends a loop whose reader is too slow, behind the events that may wait', async () => {
  const client = connect('news');
  const slow = client.channel('room:10', { maxQueued: 2 })[Symbol.asyncIterator]();
  const received: unknown[] = [];
  client.channel('room:10').on('message', (data) => received.push(data));
  await isOn('room:10');
  for (const data of ['a', 'b', 'c']) await app.hub.publish('room:10', { data });
  await until(() => received.length === 3);
  // The reader may take what comes at once in its next turn. It has let that go by: timers fire in their order.
  await pause(1);
  expect([(await slow.next()).value, (await slow.next()).value]).toMatchObject([
    { data: 'a' },
    { data: 'b' },
  ]);
  await expect(slow.next()).rejects.toMatchObject({ code: 'SLOW_READER' });
});

it.each([
  ['100-1', '100-0', true],
  ['100-0', '100-0', false],
  ['99-9', '100-0', false],
  ['90-0.1', '100-0', true], // published behind a failover
  ['97-0', '95-0.1', true], // the cursor stands before the failover
  ['95-0', '97-0.1', false],
  ['100-0@1', '99-0@0,101-0@1', false],
  ['100-0@1', '99-0@0', true],
  ['100-0', '99-0~120-0', true],
  ['anything', '100-0', true],
])('compares the ids %s and %s', (id, position, expected) => {
  expect(isAfter(id, position)).toBe(expected);
});

it('refuses names and ids that cannot be meant', () => {
  const client = connect('news');
  const orders = channelOf('order:{id}');
  const wrong = [
    () => orders({ id: '' }),
    () => orders({ id: 'a:b' }),
    () => orders({} as { id: string }),
    () => client.channel(''),
    () => client.channel('order:undefined'),
    () => client.channel('news', { after: 'yesterday' }),
  ];
  for (const call of wrong) expect(call).toThrow(SseClientError);
  expect(orders({ id: 7 }).name).toBe('order:7');
  client.close();
  expect(() => client.channel('news')).toThrow('closed');
});

it.each([
  ['half a surrogate pair', 'room:\ud800'],
  ['more than 256 characters, as JavaScript counts them', '😀'.repeat(129)],
])('throws, as the server would, for a name with %s', (_, name) => {
  expect(() => connect('news').channel(name)).toThrow(SseClientError);
});
