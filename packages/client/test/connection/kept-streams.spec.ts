import { until } from '@nestjs-sse-redis/testing';
import { StreamConnection } from 'nestjs-sse-redis-client';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ended, RawServer, stream } from '../fixtures/raw-server.js';
import { RecordedConnection } from '../fixtures/recorded-connection.js';

/** A stream as the hub begins it. @param from its position */
const begin = (connection: string, from: number) =>
  `retry: 10\nid: ${from}-0\nevent: position\ndata:\n\n` +
  `id: ${from}-0\nevent: control\ndata: {"connection":"${connection}","secret":"s"}\n\n`;
const event = (n: number) => `id: ${n}-0\ndata: ${n}\n\n`;

it('takes no event from a stream that a cache gives again, such as that of a service worker, and returns to its position', async () => {
  const first = ended(begin('a.1', 0), event(1));
  const server = await RawServer.start(
    first,
    ended(begin('a.2', 1), event(2)),
    // While the server is away, with NetworkFirst of Workbox: the whole of what it has kept.
    first,
    first,
    stream(begin('a.3', 2), event(3)),
  );
  const recorded = new RecordedConnection({ url: server.url, backoff: { min: 10, max: 20 } });
  try {
    await until(() => recorded.data.includes('3'));
    expect(recorded.data).toEqual(['1', '2', '3']);
    expect(server.lastEventIds).toEqual([undefined, '1-0', '2-0', '2-0', '2-0']);
    expect(recorded.summary.filter((word) => word === 'waiting http 200')).toHaveLength(2);
  } finally {
    recorded.close();
    await server.stop();
  }
});

/** Bytes on the heap, behind a collection. */
async function measureHeap(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    collect();
  }
  return process.memoryUsage().heapUsed;
}

it('remembers the newest streams alone: a page that is open for long has thousands', async () => {
  const LONG = 200_000;
  const STREAMS = 400;
  let count = 0;
  const server = await RawServer.start((request, response) =>
    stream(begin(`${++count}.${'x'.repeat(LONG)}`, count))(request, response),
  );
  let controls = 0;
  const connection = new StreamConnection(
    { url: server.url },
    {
      onEvent: () => undefined,
      onState: () => undefined,
      onControl: () => void (++controls < STREAMS && setImmediate(() => connection.reconnect())),
    },
  );
  try {
    const before = await measureHeap();
    connection.start();
    await until(() => controls === STREAMS, { timeout: 120_000 });
    // A hundred ids are 20 MB, all of them 80 MB.
    expect((await measureHeap()) - before).toBeLessThan(45_000_000);
  } finally {
    connection.close();
    await server.stop();
  }
});
