import { ReconnectingClient, Stopwatch, until } from '@nestjs-sse-redis/testing';
import { openStream, startStreamServer, type StreamServer } from './fixtures/stream-server.js';

let server: StreamServer;
let client: ReconnectingClient;

function lastEventIds(): unknown[] {
  return server.requests.map(({ headers }) => headers['last-event-id']);
}

beforeEach(async () => {
  server = await startStreamServer();
});

afterEach(async () => {
  await client.stop();
  await server.stop();
});

describe('ReconnectingClient', () => {
  it.each(['end', 'destroy'] as const)(
    'comes back with its last id after the server does %s()',
    async (leave) => {
      client = ReconnectingClient.start(server.url);
      await client.opened;
      server.write('id: 1\ndata: a\n\nid: 2\n\n');
      await client.waitFor(1);
      await until(() => client.lastEventId === '2');
      server.open.forEach((response) => response[leave]());
      await until(() => client.connections === 2);
      server.write('id: 3\ndata: b\n\n');
      await client.waitFor(2);

      expect(lastEventIds()).toEqual([undefined, '2']);
      expect(client.eventIds).toEqual(['1', '3']);
      expect(client.ledger.map(({ data }) => data)).toEqual(['a', 'b']);
    },
  );

  it('drop() cuts the connection and resolves when it is back', async () => {
    client = ReconnectingClient.start(server.url, { lastEventId: '7', headers: { cookie: 'a=b' } });
    await client.opened;
    await client.drop();
    await client.drop();
    expect(client.connections).toBe(3);
    expect(lastEventIds()).toEqual(['7', '7', '7']);
    expect(server.requests[2]!.headers.cookie).toBe('a=b');
  });

  it('keeps an id that only an earlier stream has set', async () => {
    client = ReconnectingClient.start(server.url);
    await client.opened;
    server.write('id: 4\n\n');
    await until(() => client.lastEventId === '4');
    await client.drop();
    await client.drop();
    expect(lastEventIds()).toEqual([undefined, '4', '4']);
  });

  it('asks for the address each time, and gets over a server that is gone', async () => {
    const other = await startStreamServer();
    await other.stop();
    const addresses = [server.url, other.url, other.url, server.url];
    let asked = 0;
    client = ReconnectingClient.start({ pickUrl: () => addresses[asked++]! }, { maxRetry: 1 });
    await client.opened;
    await client.drop();
    expect(asked).toBe(4);
    expect(client.connections).toBe(2);
  });

  it('waits no longer than maxRetry, whatever retry: says', async () => {
    client = ReconnectingClient.start(server.url, { maxRetry: 150 });
    await client.opened;
    server.write('retry: 60000\n\n');
    await until(() => client.stream.retry === 60_000);
    const start = performance.now();
    await client.drop();
    expect(performance.now() - start).toBeGreaterThan(140);
  });

  it('waits as long as retry: says', async () => {
    client = ReconnectingClient.start(server.url, { maxRetry: 60_000 });
    await client.opened;
    server.write('retry: 1\n\n');
    await until(() => client.stream.retry === 1);
    const watch = Stopwatch.start();
    await client.drop();
    // Less than Chromium's wait where a server says none, of 3 s.
    expect(watch.stop()).toBeLessThan(2_500);
  });

  it('stop() stays away', async () => {
    client = ReconnectingClient.start(server.url, { maxRetry: 1 });
    await client.opened;
    const waiting = client.waitFor(1);
    await client.stop();
    await expect(waiting).rejects.toThrow('the client was stopped');
    await until(() => server.open.size === 0);
    expect(server.requests).toHaveLength(1);
  });

  it('stop() does not wait for a pause to pass', async () => {
    await server.stop();
    client = ReconnectingClient.start(server.url, { maxRetry: 60_000 });
    expect(await client.stream.ended).toBe('error');
    await client.stop();
  });
});

describe('an answer that is no event stream', () => {
  let refusals: number;

  beforeEach(async () => {
    await server.stop();
    refusals = 0;
    server = await startStreamServer((_, response) => {
      if (refusals++ < 2) response.writeHead(502).end('no worker');
      else openStream(response);
    });
  });

  it('ends it for good, as it ends an EventSource', async () => {
    client = ReconnectingClient.start(server.url, { maxRetry: 1 });
    await expect(client.opened).rejects.toThrow('502 no worker');
    expect(client.failure?.message).toMatch(/answered 502 no worker/);
    await expect(client.waitFor(1)).rejects.toThrow(/has given up/);
    expect(refusals).toBe(1);
  });

  it('is got over with `persist`', async () => {
    client = ReconnectingClient.start(server.url, { maxRetry: 1, persist: true });
    await client.opened;
    expect(refusals).toBe(3);
    expect(client.failure).toBeUndefined();
  });
});
