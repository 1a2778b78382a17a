import { until, useRedis } from '@nestjs-sse-redis/testing';
import { createClient, type ClientOptions, type SseClient } from 'nestjs-sse-redis-client';
import { randomUUID } from 'node:crypto';
import { StreamApp } from '../fixtures/stream.app.js';

const redis = useRedis();
let app: StreamApp;
let channel: string;
let other: string;
const clients: SseClient[] = [];

beforeAll(async () => {
  app = await StreamApp.start({ redis: redis.url });
});
beforeEach(() => {
  channel = `room:${randomUUID()}`;
  other = `room:${randomUUID()}`;
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(() => app.stop());

function connect(route: string, options: Partial<ClientOptions> = {}): SseClient {
  const client = createClient({ url: app.streamUrl(route), ...options });
  clients.push(client);
  return client;
}

const publish = async (name: string, data: unknown) => (await app.hub.publish(name, { data })).id;
const isOn = (name: string) => until(async () => (await app.registry.count({ channel: name })) === 1);
/** The stream has begun. The registry has it before: what is published in between is older than the stream. */
const hasBegun = (client: SseClient) => until(() => client.lastEventId !== undefined);

/** What is handed over of a channel, as it comes. */
function listen(client: SseClient, name: string, after?: string): unknown[] {
  const got: unknown[] = [];
  client.channel(name, after === undefined ? {} : { after }).on('message', (data) => got.push(data));
  return got;
}

/** A `fetch` whose changes of channels wait. */
function holdChanges() {
  let go!: () => void;
  const held = new Promise<void>((resolve) => (go = resolve));
  let count = 0;
  const fetchLate: typeof fetch = async (input, init) => {
    if (init?.method === 'POST' && ++count) await held;
    return fetch(input, init);
  };
  return { go, fetch: fetchLate, isAsked: () => count > 0 };
}

describe.each([
  ['of its route', (name: string) => name],
  ['that it has added', () => 'news'],
])('a client with a channel %s', (_, routeOf) => {
  it('hands over to each of two holders what it asked for in one turn, whichever id is the earlier', async () => {
    const client = connect(routeOf(channel));
    const live = listen(client, channel);
    await isOn(channel);
    await hasBegun(client);
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push(await publish(channel, i));
    await until(() => live.length === 5);
    const got = [0, 2, 1].map((i) => listen(client, channel, ids[i]));
    await until(() => got[0]!.includes(4));
    await publish(channel, 5);
    await until(() => got.every((each) => each.includes(5)));
    expect(got).toEqual([
      [1, 2, 3, 4, 5],
      [3, 4, 5],
      [2, 3, 4, 5],
    ]);
    expect(live).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe('a client whose channel of the route is to begin anew', () => {
  /** Something is on its way already, and so the holder's wish waits. Then an event of the route comes. */
  async function begin(held: ReturnType<typeof holdChanges>) {
    const client = connect(`${channel},${other}`, { fetch: held.fetch });
    const all: unknown[] = [];
    client.on('message', (data) => all.push(data));
    await hasBegun(client);
    const first = await publish(channel, 1);
    await publish(channel, 2);
    await until(() => all.length === 2);
    listen(client, `room:${randomUUID()}`);
    await until(held.isAsked);
    const holder = client.channel(channel, { after: first });
    await publish(channel, 3);
    await publish(other, 'later');
    await until(() => all.includes('later'));
    return { client, all, holder };
  }

  it('names a place behind which a later client gets all that the page has not had', async () => {
    const held = holdChanges();
    const { client, all } = await begin(held);
    expect(all).not.toContain(3);
    const { lastEventId } = client;
    client.close();
    held.go();
    const got = listen(connect(channel, { lastEventId: lastEventId! }), channel);
    await isOn(channel);
    await publish(channel, 4);
    await until(() => got.includes(4));
    expect(got).toEqual([3, 4]);
  });

  it('hands its events over where the holder that asked for it is closed before', async () => {
    const held = holdChanges();
    const { all, holder } = await begin(held);
    holder.close();
    held.go();
    await until(() => all.includes(3));
  });
});

/** The body, with the block of a type behind those that came until a text did. */
function delayBlock(
  body: ReadableStream<Uint8Array>,
  type: string,
  until: string,
): ReadableStream<Uint8Array> {
  let text: string | undefined = '';
  const decoder = new TextDecoder();
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        if (text === undefined) {
          controller.enqueue(chunk);
          return;
        }
        text += decoder.decode(chunk, { stream: true });
        const blocks = text.split('\n\n');
        const late = blocks.findIndex((block) => block.includes(`event: ${type}\n`));
        if (late < 0 || !text.includes(until)) return;
        const [block] = blocks.splice(late, 1);
        blocks.splice(-1, 0, block!);
        controller.enqueue(new TextEncoder().encode(blocks.join('\n\n')));
        text = undefined;
      },
    }),
  );
}

it('reads a channel of the route once where its events come before it is known', async () => {
  const [first] = [await publish(channel, 0), await publish(channel, 1), await publish(channel, 2)];
  const changes: string[] = [];
  const client = connect(channel, {
    lastEventId: first,
    fetch: async (input, init) => {
      if (init?.method === 'POST') changes.push(init.body as string);
      const response = await fetch(input, init);
      const body = delayBlock(response.body!, 'control', 'data: 2');
      return new Response(body, response);
    },
  });
  const got = listen(client, channel);
  await until(() => got.includes(2));
  await publish(channel, 3);
  await until(() => got.includes(3));
  expect(got).toEqual([1, 2, 3]);
  expect(changes).toEqual([]);
});
