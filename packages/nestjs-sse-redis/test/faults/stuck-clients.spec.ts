import { until } from '@nestjs-sse-redis/testing';
import { parseEventId, type Position } from '../../src/event/position.js';
import { Deployment, type DeployedNode } from './deployment.js';
import { IdReader } from './id-reader.js';
import type { PublishReply } from './node-request.js';

const CLIENTS = 60;
const STUCK = 10;
const EVENTS = 1_000;
const EVENT_BYTES = 4_096;
const BUFFERED = 65_536;
const BATCH = 20;
const REST_BYTES = 20 * 1_048_576;

function toPosition(reply: PublishReply): Position {
  if ('id' in reply) return parseEventId(reply.id)!;
  throw new Error(`Not published: ${reply.message}`);
}

describe(`${STUCK} of ${CLIENTS} clients that never read`, () => {
  let deployment: Deployment;
  let node: DeployedNode;
  const readers: IdReader[] = [];

  beforeAll(async () => {
    deployment = await Deployment.start({
      nodes: 2,
      // Long times: a machine that stands still for a second is not what this is about.
      options: { limits: { bufferedBytes: BUFFERED }, probeInterval: 10_000, publishTimeout: 30_000 },
      execArgv: ['--expose-gc'],
    });
    node = deployment.nodes[0]!;
  });
  afterAll(async () => {
    for (const reader of readers) reader.close();
    await deployment.stop();
  });

  /** From the other node, so that the memory of this one is that of its clients. */
  async function publish(count: number): Promise<Position[]> {
    const ids: Position[] = [];
    const before = readers[STUCK]!.received.length;
    for (let i = 0; i < count; i += BATCH) {
      const events = Array.from({ length: BATCH }, () => ({
        channel: 'news',
        data: 'x'.repeat(EVENT_BYTES),
      }));
      const { published } = await deployment.nodes[1]!.request({ kind: 'publish', events });
      ids.push(...published!.map(toPosition));
      // As fast as it is read, and no faster: what is measured is memory, not how far publishing can run ahead.
      await until(
        () => readers.slice(STUCK).every(({ received }) => received.length >= before + ids.length),
        {
          timeout: 30_000,
        },
      );
    }
    return ids;
  }

  it('cost their buffers, hold nobody up, and get everything when they read again', async () => {
    for (let i = 0; i < CLIENTS; i++) readers.push(new IdReader(`${node.url}/streams?channels=news`));
    await until(() => readers.every(({ placed }) => placed), { timeout: 30_000 });
    const idle = await memory();
    // What comes with work, whoever reads: compiled code, the full ring of recent events (4 MB).
    const expected = await publishToAll();
    const before = await memory();
    for (const reader of readers.slice(0, STUCK)) reader.pause();
    expected.push(...(await publish(EVENTS)));
    const after = await memory();
    // Once more: what is queued for those who do not read would grow each time, what the machine adds now and then does not.
    expected.push(...(await publish(EVENTS)));
    const growth = Math.min(after - before, (await memory()) - after);
    const stuckAt = readers.slice(0, STUCK).map(({ received }) => received.length);

    for (const reader of readers.slice(0, STUCK)) reader.resume();
    await until(() => readers.every(({ received }) => received.length >= expected.length), {
      timeout: 30_000,
    });
    // Once each, and in order.
    for (const { received } of readers) expect(received).toEqual(expected);
    process.stdout.write(
      `\nstuck clients: ${(growth / 1_048_576).toFixed(1)} MB more, ${((before - idle) / 1_048_576).toFixed(1)} MB before, when all read\n`,
    );
    expect(Math.max(...stuckAt)).toBeLessThan(expected.length);
    expect(growth).toBeLessThan(STUCK * BUFFERED + REST_BYTES);
  });

  /** Resident, in bytes: the least of several looks, each after a collection. */
  async function memory(): Promise<number> {
    const looks: number[] = [];
    for (let i = 0; i < 10; i++) looks.push((await node.request({ kind: 'memory' })).rss!);
    return Math.min(...looks);
  }

  /** The same work with everybody reading. */
  async function publishToAll(): Promise<Position[]> {
    const ids = await publish(EVENTS);
    await until(() => readers.every(({ received }) => received.length >= ids.length), { timeout: 30_000 });
    return ids;
  }
});
