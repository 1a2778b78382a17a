import { assertWhole, SseStream, Stopwatch, until } from '@nestjs-sse-redis/testing';
import { setTimeout as pause } from 'node:timers/promises';
import type { SseRedisOptions } from 'nestjs-sse-redis';
import { Deployment } from './deployment.js';

const PROBE_INTERVAL = 1_000;
/** What it takes to connect, to subscribe and to read, once the probe has told, on a busy machine. */
const REPAIR_MS = 4_000;
/** A renewal of the lease proves the link as well. */
const RARELY_RENEWED: SseRedisOptions = { registry: { leaseTtl: 180_000 } };

describe('a subscription that is up and deaf', () => {
  let deployment: Deployment;
  let stream: SseStream;

  async function start(probeInterval: number): Promise<void> {
    deployment = await Deployment.start({ nodes: 2, options: { ...RARELY_RENEWED, probeInterval } });
    stream = SseStream.open(`${deployment.nodes[0]!.url}/streams?channels=news`);
    await until(() => stream.lastEventId !== '');
  }

  afterEach(async () => {
    await stream.close();
    await deployment.stop();
  });

  it.each([0, 1_000])(
    'is found and repaired within two probe intervals, and no event is lost (deaf after %d ms)',
    async (ms) => {
      await start(PROBE_INTERVAL);
      const [deaf, publishing] = deployment.nodes;
      // At different times between two probes.
      await pause(ms);
      const subscribers = deaf!.subscribers;
      expect(subscribers).toHaveLength(1);
      subscribers[0]!.blackhole(true);
      const watch = Stopwatch.start();
      const events = Array.from({ length: 50 }, (_, i) => ({ channel: 'news', data: `${i}` }));
      const { published } = await publishing!.request({ kind: 'publish', events });
      const received = await stream.waitFor(50, 60_000);
      expect(watch.stop()).toBeLessThan(2 * PROBE_INTERVAL + REPAIR_MS);
      assertWhole(
        published!.map((reply) => ('id' in reply ? reply.id : reply.message)),
        received.map(({ id }) => id),
      );
    },
  );

  it('is found within two probe intervals after events that made probes superfluous, and no event is lost', async () => {
    await start(PROBE_INTERVAL);
    const [deaf, publishing] = deployment.nodes;
    const published: string[] = [];
    const publish = async () => {
      const reply = await publishing!.request({ kind: 'publish', events: [{ channel: 'news', data: 'x' }] });
      published.push((reply.published![0] as { id: string }).id);
    };
    const untilProven = Stopwatch.start();
    while (untilProven.elapsed < 2 * PROBE_INTERVAL) await publish();
    await until(() => stream.messages.length === published.length);
    deaf!.subscribers[0]!.blackhole(true);
    const watch = Stopwatch.start();
    await publish();
    const received = await stream.waitFor(published.length, 60_000);
    expect(watch.stop()).toBeLessThan(2 * PROBE_INTERVAL + REPAIR_MS);
    assertWhole(
      published,
      received.map(({ id }) => id),
    );
  });

  it('is not found by then where probes are rare (negative control)', async () => {
    await start(60_000);
    const [deaf, publishing] = deployment.nodes;
    deaf!.subscribers[0]!.blackhole(true);
    const watch = Stopwatch.start();
    await publishing!.request({ kind: 'publish', events: [{ channel: 'news', data: 'x' }] });
    await until(() => watch.elapsed > 2 * PROBE_INTERVAL + REPAIR_MS);
    expect(stream.messages).toEqual([]);
  });
});
