import { until } from '@nestjs-sse-redis/testing';
import { createClient, type ClientOptions } from 'nestjs-sse-redis-client';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { jest } from '@jest/globals';
import { RawServer } from '../fixtures/raw-server.js';

const CONTROL = 'id: 100-0\nevent: control\ndata: {"connection":"a.1","secret":"s","channels":["news"]}\n\n';

let server: RawServer;
const posts: IncomingMessage[] = [];
let answer: (response: ServerResponse) => void;
const closers: (() => void)[] = [];

beforeEach(async () => {
  posts.length = 0;
  server = await RawServer.start((request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(CONTROL);
      return;
    }
    posts.push(request);
    answer(response);
  });
});
afterEach(async () => {
  for (const close of closers.splice(0)) close();
  await server.stop();
  jest.useRealTimers();
});

function open(options: Partial<ClientOptions> = {}) {
  const log: string[] = [];
  const client = createClient({
    url: `${server.url}/events`,
    backoff: { min: 10, max: 20 },
    log: ({ error }) => log.push(String(error)),
    ...options,
  });
  closers.push(() => client.close());
  return { client, log };
}

const json = (body: string) => (response: ServerResponse) =>
  void response.writeHead(200, { 'content-type': 'application/json' }).end(body);

describe('a change of channels', () => {
  it.each(['{"data":{"refused":[]}}', '{"status":"success","data":{"refused":[]}}', '{}', 'null'])(
    'is asked for again, with a reason in the log, where an interceptor or a gateway makes %s of its answer',
    async (body) => {
      answer = json(body);
      const { client, log } = open();
      const refused: unknown[] = [];
      client.channel('room:1').on('error', (error) => refused.push(error));
      await until(() => posts.length >= 2);
      expect(log[0]).toContain('no answer of SseConnectionsController');
      answer = json('{"refused":["room:1"]}');
      await until(() => refused.length === 1);
    },
  );

  it('is reported on the console where three requests in a row have failed, and the client has no log', async () => {
    const lines: string[] = [];
    jest.spyOn(console, 'error').mockImplementation((...words) => void lines.push(words.join(' ')));
    answer = (response) => void response.writeHead(404).end();
    const { client } = open({ log: undefined });
    client.channel('room:1');
    await until(() => posts.length > 8);
    jest.restoreAllMocks();
    expect(lines).toEqual([expect.stringContaining('SseConnectionsController is not among')]);
  });

  it('is asked for again where the function for its token does not answer in time', async () => {
    let calls = 0;
    answer = json('{"refused":[]}');
    const { client } = open({
      // The second call is that of the change.
      token: () => (++calls === 2 ? new Promise(() => undefined) : 'token'),
    });
    await until(() => client.lastEventId !== undefined);
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
    client.channel('room:1');
    for (let i = 0; i < 20 && calls < 2; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(calls).toBe(2);
    await jest.advanceTimersByTimeAsync(16_000);
    jest.useRealTimers();
    await until(() => posts.length === 1);
  });

  it('is asked for again where the log throws at the failure of a request', async () => {
    jest.spyOn(console, 'error').mockImplementation(() => undefined);
    answer = (response) => void response.writeHead(502).end();
    const { client } = open({
      log: () => {
        throw new Error('the log is broken');
      },
    });
    client.channel('room:1');
    await until(() => posts.length >= 2);
    expect(console.error).toHaveBeenCalledWith(new Error('the log is broken'));
    jest.restoreAllMocks();
  });

  it('goes to the origin of a stream whose URL has no scheme', async () => {
    const asked: string[] = [];
    const given: typeof fetch = (input, init) => {
      const url = input as string;
      asked.push(url);
      return fetch(new URL(url, 'http://page.invalid/'), init);
    };
    answer = json('{"refused":[]}');
    const { client } = open({ url: `${server.url.replace('http:', '')}/events`, fetch: given });
    client.channel('room:1');
    await until(() => asked.length === 2);
    expect(asked[1]).toBe(`${server.url.replace('http:', '')}/sse/connections/a.1/channels`);
  });
});
