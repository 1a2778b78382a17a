import { jest } from '@jest/globals';
import { until } from '@nestjs-sse-redis/testing';
import {
  createClient,
  type Channel,
  type ChannelEvent,
  type ClientOptions,
  type Snapshot,
} from 'nestjs-sse-redis-client';
import type { ServerResponse } from 'node:http';
import { RawServer, status } from '../fixtures/raw-server.js';

const CONTROL = 'id: 100-0\nevent: control\ndata: {"connection":"a.1","secret":"s","channels":["news"]}\n\n';
const news = (n: number) => `id: ${n}-0\n: channel news\ndata: ${n}\n\n`;
const END = 'id: dismissed\nevent: end\ndata: {"reason":"done"}\n\n';
const GAP = 'id: 300-0\nevent: gap\ndata: {"channel":"news","from":"200-0","to":"300-0"}\n\n';

let server: RawServer;
let stream: ServerResponse | undefined;
const closers: (() => void)[] = [];

beforeEach(async () => {
  stream = undefined;
  server = await RawServer.start((_, response) => {
    stream = response.writeHead(200, { 'content-type': 'text/event-stream' });
    stream.write(CONTROL);
  });
});
afterEach(async () => {
  for (const close of closers.splice(0)) close();
  await server.stop();
});

function open(options: Partial<ClientOptions> = {}) {
  const errors: string[] = [];
  const client = createClient({
    url: `${server.url}/events`,
    log: ({ message }) => errors.push(message),
    ...options,
  });
  closers.push(() => client.close());
  return { client, errors };
}

/** A state that is there at first. The one after a gap comes when the test gives it. */
class HeldState {
  loads = 0;
  give!: (snapshot: Snapshot<number>) => void;

  readonly get = (): Promise<Snapshot<number>> =>
    ++this.loads === 1
      ? Promise.resolve({ state: 1, cursor: '100-0' })
      : new Promise((resolve) => (this.give = resolve));
}

async function say(...blocks: string[]): Promise<void> {
  await until(() => stream !== undefined);
  stream!.write(blocks.join(''));
}

describe('listeners of a channel', () => {
  it('get each event once where they listen anew with each event', async () => {
    const channel = open().client.channel('news');
    const got: unknown[] = [];
    const arm = () => {
      const off = channel.on('message', (data) => {
        got.push(data);
        off();
        // A loop without an end would hold up the test, too.
        if (got.length < 50) arm();
      });
    };
    arm();
    channel.on('message', () => undefined);
    await say(news(101), news(102));
    await until(() => got.includes(102));
    expect(got).toEqual([101, 102]);
  });

  it('are not called after another one of the same event has removed them', async () => {
    const channel = open().client.channel('news');
    const got: string[] = [];
    channel.on('message', (data) => {
      got.push(`first ${String(data)}`);
      off();
    });
    const off = channel.on('message', () => got.push('removed'));
    await say(news(101), news(102));
    await until(() => got.includes('first 102'));
    expect(got).toEqual(['first 101', 'first 102']);
  });

  it('get nothing where one of them has closed the channel', async () => {
    const { client } = open();
    const channel = client.channel('news');
    const got: string[] = [];
    let last: unknown;
    channel.on('message', (data) => {
      got.push(`first ${String(data)}`);
      channel.close();
    });
    channel.on('message', () => got.push('second'));
    channel.onEvent(() => got.push('third'));
    client.onEvent(({ data }) => (last = data));
    await say(news(101), news(102));
    await until(() => last === 102);
    expect(got).toEqual(['first 101']);
  });

  it('get none of the events that waited for a state where one of them has closed the channel', async () => {
    const { client } = open();
    const source = new HeldState();
    let gaps = 0;
    const channel = client.channel('news', { gapSpread: 0, getState: source.get, onGap: () => gaps++ });
    const got: unknown[] = [];
    channel.on('message', (data) => {
      got.push(data);
      channel.close();
    });
    await until(() => source.loads === 1);
    await say(GAP, news(301), news(302));
    await until(() => source.loads === 2 && client.lastEventId === '302-0');
    expect(gaps).toBe(1);
    source.give({ state: 2, cursor: '300-0' });
    await until(() => got.length > 0);
    expect(got).toEqual([301]);
  });
});

describe('the state of a channel', () => {
  it.each([403, 204])('is not asked for again once the server has answered the stream %d', async (code) => {
    server.answer(status(code));
    let fail!: (error: Error) => void;
    let loads = 0;
    const { client } = open();
    client.channel('news', {
      getState: () => {
        loads++;
        return new Promise<Snapshot<number>>((_, reject) => (fail = reject));
      },
    });
    await until(() => client.state.status === 'stopped');
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
    fail(new Error('403'));
    await jest.advanceTimersByTimeAsync(120_000);
    jest.useRealTimers();
    expect(loads).toBe(1);
  });

  it('comes with the events that waited for it, where the stream has ended for good meanwhile', async () => {
    const { client } = open();
    const source = new HeldState();
    const channel = client.channel('news', { gapSpread: 0, getState: source.get });
    const got: unknown[] = [];
    channel.on('message', (data) => got.push(data));
    await until(() => source.loads === 1);
    await say(GAP, news(301), END);
    await until(() => source.loads === 2 && client.state.status === 'stopped');
    source.give({ state: 2, cursor: '300-0' });
    await until(() => got.length > 0);
    expect(got).toEqual([301]);
  });

  it.each([
    ['hands over to a loop what waited for it', true, ['gap', 301]],
    ['ends a loop with STATE_FAILED where it fails', false, ['gap', 'STATE_FAILED']],
  ])('%s, where the stream has ended for good meanwhile', async (_, isThere, expected) => {
    const { client } = open();
    let loads = 0;
    let settle!: (snapshot: Snapshot<number> | Promise<never>) => void;
    const getState = (): Promise<Snapshot<number>> =>
      ++loads === 1
        ? Promise.resolve({ state: 1, cursor: '100-0' })
        : new Promise((resolve) => (settle = resolve));
    const got: unknown[] = [];
    const read = async () => {
      for await (const { type, data } of client.channel('news', { gapSpread: 0, getState }))
        got.push(type === 'message' ? data : type);
    };
    const reading = read().catch((error: { code: string }) => got.push(error.code));
    await until(() => loads === 1);
    await say(GAP, news(301), END);
    await until(() => loads === 2 && client.state.status === 'stopped');
    settle(isThere ? { state: 2, cursor: '300-0' } : Promise.reject(new Error('503')));
    await reading;
    expect(got).toEqual(expected);
  });
});

describe('a loop whose reader is busy', () => {
  it.each(['channel.close()', 'client.close()', 'an abort'])('gets nothing after %s', async (way) => {
    const { client } = open();
    const controller = new AbortController();
    const channel = client.channel('news', { signal: controller.signal });
    const got: unknown[] = [];
    let seen: unknown;
    client.onEvent(({ data }) => (seen = data));
    let goOn!: () => void;
    const gate = new Promise<void>((resolve) => (goOn = resolve));
    const reading = (async () => {
      for await (const { data } of channel) {
        got.push(data);
        await gate;
      }
    })();
    await say(news(101), news(102), news(103));
    await until(() => seen === 103);
    if (way === 'an abort') controller.abort();
    else (way === 'client.close()' ? client : channel).close();
    goOn();
    await reading;
    expect(got).toEqual([101]);
  });
});

describe('the option parse', () => {
  it('is not asked for the data of the hub, so that a gap is told whatever it makes of them', async () => {
    const parse = (text: string) => (JSON.parse(text) as { json?: unknown }).json; // as that of superjson
    const { client, errors } = open({ parse });
    const gaps: unknown[] = [];
    const got: ChannelEvent[] = [];
    client.channel('news', { onGap: (gap) => gaps.push(gap) }).onEvent((event) => got.push(event));
    await say(GAP, 'id: 301-0\n: channel news\ndata: {"json":7}\n\n');
    await until(() => got.some(({ id }) => id === '301-0'));
    expect(gaps).toEqual([{ channel: 'news', from: '200-0', to: '300-0' }]);
    expect(got.at(-1)).toMatchObject({ type: 'message', data: 7 });
    expect(errors).toEqual([]);
  });
});

describe('a loop that begins late', () => {
  const first = (channel: Channel) => channel[Symbol.asyncIterator]().next();

  it('throws STOPPED where the client has stopped before', async () => {
    server.answer(status(403));
    const { client } = open();
    const channel = client.channel('news');
    await until(() => client.state.status === 'stopped');
    await expect(first(channel)).rejects.toMatchObject({ code: 'STOPPED' });
  });

  it('is over where the stream has ended for good before', async () => {
    server.answer(status(204));
    const { client } = open();
    const channel = client.channel('news');
    await until(() => client.state.status === 'stopped');
    await expect(first(channel)).resolves.toMatchObject({ done: true });
  });
});
