import { jest } from '@jest/globals';
import { until } from '@nestjs-sse-redis/testing';
import { createClient, type ClientOptions, type SseClient } from 'nestjs-sse-redis-client';
import type { ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { RawServer } from '../fixtures/raw-server.js';

interface Change {
  readonly change: number;
  readonly subscribe: string[];
  readonly unsubscribe: string[];
}

let server: RawServer;
let client: SseClient | undefined;
let stream: ServerResponse;
let streams: number;
const changes: { readonly change: Change; readonly response: ServerResponse }[] = [];

beforeEach(async () => {
  streams = changes.length = 0;
  server = await RawServer.start((request, response) => {
    if (request.method === 'GET') {
      streams++;
      stream = response.writeHead(200, { 'content-type': 'text/event-stream' });
      stream.flushHeaders();
    } else void text(request).then((body) => changes.push({ change: JSON.parse(body) as Change, response }));
  });
});
afterEach(async () => {
  client?.close();
  await server.stop();
  jest.useRealTimers();
});

/** Has the stream say that `news` and `other` are of its route. */
const control = (id: string) =>
  void stream.write(
    `id: ${id}\nevent: control\ndata: {"connection":"a.${streams}","secret":"s","channels":["news","other"]}\n\n`,
  );
const send = (channel: string, id: string, data: string) =>
  void stream.write(`id: ${id}\n: channel ${channel}\ndata: ${data}\n\n`);
const tellOf = ({ change, unsubscribe }: Change, subscribed: string[]) =>
  void stream.write(
    `event: position\nid: 100-0\ndata: ${JSON.stringify({ change, subscribed, unsubscribed: unsubscribe })}\n\n`,
  );
const answer = (response: ServerResponse, body: object, status = 200) =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

async function open(options: Partial<ClientOptions> = {}) {
  const backoff = { min: 10, max: 20 };
  client = createClient({ url: `${server.url}/events`, backoff, log: () => undefined, ...options });
  const all: unknown[] = [];
  client.on('message', (data) => all.push(data));
  await until(() => streams === 1);
  return { client, all };
}

/** Waits for an event of the other channel. */
async function pass(all: unknown[], id: string) {
  send('other', id, `"${id}"`);
  await until(() => all.includes(id));
}

describe('a client whose channel of the route was to begin anew', () => {
  it('goes on with its lastEventId where the server refuses the channel', async () => {
    const { client, all } = await open();
    control('100-0');
    await until(() => client.lastEventId === '100-0');
    const errors: unknown[] = [];
    client.channel('news', { after: '90-0' }).on('error', (error) => errors.push(error));
    await until(() => changes.length === 1);
    tellOf(changes[0]!.change, []);
    // The stream is ahead of the answer.
    await pass(all, '200-0');
    expect(client.lastEventId).toBe('100-0');
    answer(changes[0]!.response, { refused: ['news'] });
    await until(() => errors.length === 1);
    await pass(all, '201-0');
    expect(client.lastEventId).toBe('201-0');
  });

  it.each([400, 401, 403])('gets a gap, and what comes then, where the server answers %d', async (status) => {
    const { client, all } = await open();
    control('100-0');
    await until(() => client.lastEventId === '100-0');
    const gaps: unknown[] = [];
    client.channel('news', { after: '90-0', onGap: (gap) => gaps.push(gap) });
    await until(() => changes.length === 1);
    answer(changes[0]!.response, {}, status);
    await until(() => gaps.length === 1);
    expect(gaps).toEqual([{ channel: 'news', from: '90-0', to: '100-0' }]);
    send('news', '110-0', '"on the same stream"');
    stream.end();
    await until(() => streams === 2);
    control('110-0');
    send('news', '120-0', '"on the next stream"');
    await pass(all, '200-0');
    expect(all).toEqual(['on the same stream', 'on the next stream', '200-0']);
    expect([client.lastEventId, changes.length]).toEqual(['200-0', 1]);
  });

  it('reports its refusal again where it was taken off, and is asked for again', async () => {
    const { client } = await open();
    control('100-0');
    await until(() => client.lastEventId === '100-0');
    const errors: unknown[] = [];
    client.channel('news').on('error', ({ code }) => errors.push(code));
    stream.write('event: error\nid: 100-0\ndata: {"code":"UNSUBSCRIBED","channel":"news"}\n\n');
    await until(() => errors.length === 1);
    client.channel('news', { after: '90-0' }).on('gap', () => errors.push('gap'));
    await until(() => changes.length === 1);
    expect(changes[0]!.change).toMatchObject({ subscribe: ['news'], unsubscribe: [] });
    answer(changes[0]!.response, {}, 400);
    await until(() => errors.length === 2);
    expect(errors).toEqual(['CHANNEL_REFUSED', 'CHANNEL_REFUSED']);
  });

  it('hands over what came before control, where the holder that asked for it was closed before control', async () => {
    const { client, all } = await open({ lastEventId: '90-0' });
    const holder = client.channel('news', { after: '90-0' });
    send('news', '91-0', '"early"');
    await pass(all, '92-0');
    holder.close();
    control('92-0');
    await until(() => changes.length === 1);
    expect(client.lastEventId).toBe('90-0');
    const { change, response } = changes[0]!;
    tellOf(change, change.subscribe);
    send('news', '91-0~92-0', '"early"');
    answer(response, { refused: [] });
    await pass(all, '200-0');
    expect(all).toEqual(['92-0', 'early', '200-0']);
    expect(client.lastEventId).toBe('200-0');
  });
});

it('reads a channel of the route anew where the late event in the id of its stream may be of another channel', async () => {
  const { client } = await open({ lastEventId: '5-0~9-0' });
  client.channel('news', { after: '7-0' });
  control('5-0~9-0');
  await until(() => changes.length === 1);
  expect(changes[0]!.change).toMatchObject({ subscribe: ['news'], after: { news: '7-0' } });
});

it('goes on with its lastEventId on a stream that turns out to be without control', async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
  const { client, all } = await open({ lastEventId: '90-0' });
  const errors: unknown[] = [];
  client.channel('news', { after: '90-0' }).on('error', (error) => errors.push(error));
  stream.write('id: 100-0\nevent: gap\ndata: {"channel":"news","from":"1-0","to":"99-0"}\n\n');
  await pass(all, '200-0');
  await jest.advanceTimersByTimeAsync(10_000);
  expect(errors).toHaveLength(1);
  await pass(all, '201-0');
  expect(client.lastEventId).toBe('201-0');
});

it('refuses a channel without control once where the page asks for it again at once', async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
  const { client, all } = await open();
  let refused = 0;
  const begin = () => {
    const channel = client.channel('news');
    channel.on('error', () => {
      // A page that is kept busy for ever would end no test.
      if (++refused < 50) begin();
      channel.close();
    });
  };
  begin();
  await pass(all, '200-0');
  await jest.advanceTimersByTimeAsync(10_000);
  expect(refused).toBe(1);
});
