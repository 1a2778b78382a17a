import {
  assertWhole,
  Random,
  ReconnectingClient,
  RedisServer,
  Stopwatch,
  until,
} from '@nestjs-sse-redis/testing';
import { parseEventId } from '../../src/event/position.js';
import { RoomsProcess } from './rooms-process.js';

const CLIENTS = 1_500;
const CHANNELS = 150;
const EVENTS_PER_SECOND = 200;
const DRAIN_MS = 3_000;
const SPREAD_MS = 250;
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);

/** Publishes to channels at random, at a steady rate, from whatever process lives. */
class Publisher {
  readonly events: { id: string; channel: string }[] = [];
  private timer: NodeJS.Timeout;
  private readonly waiting = new Set<Promise<void>>();

  constructor(
    private readonly random: Random,
    private readonly node: () => RoomsProcess,
  ) {
    const began = performance.now();
    let sent = 0;
    this.timer = setInterval(() => {
      for (; sent < ((performance.now() - began) * EVENTS_PER_SECOND) / 1_000; sent++) this.publish(sent);
    }, 20);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.waiting);
  }

  private publish(n: number): void {
    const channel = `room:${this.random.int(CHANNELS - 1)}`;
    const published = this.node()
      .publish(channel, n)
      .then(({ id }) => void this.events.push({ id, channel }));
    this.waiting.add(published);
    void published.finally(() => this.waiting.delete(published));
  }
}

it(`hands ${CLIENTS} clients over when three processes are replaced one after the other under ${EVENTS_PER_SECOND} events/s, and loses nothing (SEED=${SEED})`, async () => {
  const redis = await RedisServer.start();
  const options = {
    redis: redis.url,
    history: { maxLength: 10_000 },
    retry: 1_000,
    drain: { timeout: DRAIN_MS, retry: 1_000 },
    probeInterval: 1_000,
    heartbeatInterval: 10_000,
    registry: { leaseTtl: 5_000, sweepInterval: 1_000 },
  };
  const start = (i: number) => RoomsProcess.start(i % 2 === 0 ? 'fastify' : 'express', options);
  const living = await Promise.all([0, 1, 2].map(start));
  // It only publishes and watches, so that what is measured is the clients'.
  const watcher = await start(3);
  const random = new Random(SEED);

  // Each on two channels of its own choice; it comes back wherever it is sent.
  const returns: number[] = [];
  const retries: number[] = [];
  const clients = Array.from({ length: CLIENTS }, (_, i) => {
    const channels = [`room:${i % CHANNELS}`, `room:${random.int(CHANNELS - 1)}`];
    let turn = i;
    const pickUrl = () => {
      if (turn !== i) {
        returns.push(performance.now());
        retries.push(clients[i]!.client.stream.retry ?? 0);
      }
      return `${living[turn++ % living.length]!.app.url}/rooms?channels=${channels.join(',')}`;
    };
    return { channels, client: ReconnectingClient.start({ pickUrl }, { maxRetry: 10_000, persist: true }) };
  });
  await until(() => clients.every(({ client }) => client.lastEventId !== ''), {
    timeout: 60_000,
    interval: 50,
  });
  const publisher = new Publisher(random, () => watcher);

  const drains: { ms: number; returns: number[]; retries: number[]; longestStandstill: number }[] = [];
  for (let i = 0; i < 3; i++) {
    const old = living[0]!;
    const replacement = await start(i);
    living.splice(0, 1);
    living.push(replacement);
    const began = performance.now();
    const watch = Stopwatch.start();
    returns.length = retries.length = 0;
    // Nest ends by sending itself the signal again, after all hooks have run.
    expect(await old.app.kill('SIGTERM')).toMatchObject({ signal: 'SIGTERM' });
    const ms = performance.now() - began;
    await until(() => clients.every(({ client }) => client.stream.isEventStream), {
      timeout: 30_000,
      interval: 50,
    });
    watch.stop();
    const { longestStandstill } = watch;
    drains.push({ ms, returns: returns.map((at) => at - began), retries: [...retries], longestStandstill });
    expect((await watcher.nodes()).map(({ id }) => id)).not.toContain(old.nodeId);
  }
  await publisher.stop();

  const byChannel = new Map<string, string[]>();
  const inOrder = publisher.events.sort((a, b) => parseEventId(a.id)! - parseEventId(b.id)!);
  for (const { id, channel } of inOrder) byChannel.set(channel, [...(byChannel.get(channel) ?? []), id]);
  const expectedOf = (channels: readonly string[]) =>
    [...new Set(channels)]
      .flatMap((channel) => byChannel.get(channel) ?? [])
      .sort((a, b) => parseEventId(a)! - parseEventId(b)!);
  const expected = clients.map(({ channels }) => expectedOf(channels));
  await until(() => clients.every(({ client }, i) => client.events.length >= expected[i]!.length), {
    timeout: 30_000,
    interval: 100,
  }).catch(() => undefined);
  let deliveries = 0;
  for (const [i, { client }] of clients.entries()) {
    assertWhole(expected[i]!, client.eventIds, `client ${i}`);
    deliveries += client.events.length;
  }

  for (const [i, { ms, returns, retries, longestStandstill }] of drains.entries()) {
    process.stdout.write(
      `\nhand-over ${i + 1}: ${returns.length} clients in ${ms.toFixed(0)} ms\n${histogram(returns)}`,
    );
    expect(returns.length).toBeGreaterThan(100);
    // Each was told a time of its own within a second.
    const told = retries.filter((retry) => retry > 0);
    expect(told.length).toBeGreaterThan(0.9 * returns.length);
    expect(mostWithin(told, SPREAD_MS)).toBeLessThan(told.length / 2);
    // And so they come back: no quarter of a second has more than a third of them. Where the machine stood still, all
    // whose time was over come at once.
    if (longestStandstill < SPREAD_MS) {
      expect(mostWithin(returns, SPREAD_MS)).toBeLessThan(returns.length / 3);
    }
  }
  process.stdout.write(
    `rolling restart, SEED=${SEED}: ${publisher.events.length} events, ${deliveries} deliveries, nothing lost, doubled or reordered\n`,
  );
  await until(async () => (await watcher.count()) === CLIENTS);

  await Promise.all(clients.map(({ client }) => client.stop()));
  await Promise.all([...living, watcher].map((node) => node.stop()));
  await redis.stop();
});

/** When clients came back, in steps of 250 ms. */
function histogram(times: readonly number[]): string {
  const step = 250;
  const counts: number[] = [];
  for (const time of times) counts[Math.floor(time / step)] = (counts[Math.floor(time / step)] ?? 0) + 1;
  const most = Math.max(...counts.filter(Boolean));
  return Array.from({ length: counts.length }, (_, i) => {
    const count = counts[i] ?? 0;
    const bar = '█'.repeat(Math.ceil((40 * count) / most));
    return `${String(i * step).padStart(6)} ms ${String(count).padStart(4)} ${bar}\n`;
  }).join('');
}

/** The most that fall within any time of this length. */
function mostWithin(times: readonly number[], ms: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  let most = 0;
  for (let from = 0, to = 0; to < sorted.length; to++) {
    while (sorted[to]! - sorted[from]! > ms) from++;
    most = Math.max(most, to - from + 1);
  }
  return most;
}
