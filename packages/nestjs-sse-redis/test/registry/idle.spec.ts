import { AppProcess, Stopwatch, TcpProxy, until } from '@nestjs-sse-redis/testing';
import { SseRegistry, type SseRedisOptions } from 'nestjs-sse-redis';
import type { SseNode } from '../../src/sse-node.js';
import { Hubs, type TestHub } from '../hub/hubs.js';
import { RoomsProcess } from './rooms-process.js';

/** A fifth of the defaults, and long enough for a busy machine to answer a probe. */
const INTERVAL = 1_000;
const LEASE = 3 * INTERVAL;
const PACE = 12;
/** What it takes to connect, to subscribe and to read, or to sweep, once it is known to be due, on a busy machine. */
const REPAIR_MS = 4_000;
const TIMES: SseRedisOptions = {
  probeInterval: INTERVAL,
  auditInterval: 6 * INTERVAL,
  registry: { leaseTtl: LEASE, sweepInterval: INTERVAL },
};
/**
 * The commands of 0.1.0 in a lease: three probes and three renewals of six commands, six sweeps of five, and an audit and a
 * half of two. By `INFO commandstats`: 16,600 an hour with the defaults.
 */
const FORMERLY = 3 * 6 + 3 * 6 + 6 * 5 + 1.5 * 2;

describe('an idle process', () => {
  const hubs = Hubs.over('redis');
  const prefix = 'idle';

  afterEach(() => hubs.redis.cli('FLUSHALL'));

  const start = (options: SseRedisOptions = {}) => hubs.start({ ...TIMES, prefix, ...options });

  async function commands(): Promise<{ all: number; renewals: number }> {
    const stats = String(await hubs.redis.cli('INFO', 'commandstats'));
    const counted = [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(
      ([, name, calls]) => [name!, Number(calls)] as const,
    );
    // What the test asks.
    const all = counted.filter(([name]) => !/^(info|config|zscore|time)/.test(name));
    return {
      all: all.reduce((sum, [, calls]) => sum + calls, 0),
      // TIME is not counted, since the test asks it; a renewal has one.
      renewals: counted.find(([name]) => name === 'zadd')?.[1] ?? 0,
    };
  }

  /** Until when others take the process for living, in ms from now. */
  async function leaseLeft({ hub }: TestHub): Promise<number> {
    const expires = Number(await hubs.redis.cli('ZSCORE', `{${prefix}}:reg2:nodes`, hub.nodeId));
    const [seconds, micros] = (await hubs.redis.cli('TIME')) as [string, string];
    return expires - Number(seconds) * 1_000 - Number(micros) / 1_000;
  }

  async function untilIdle(test: TestHub): Promise<void> {
    await until(async () => (await leaseLeft(test)) > LEASE, { timeout: 10 * LEASE });
    // The probe that was due before the lease became long still comes, and renews the lease with it. Timers fire in their order.
    await until(() => Date.now() - test.hub.stats().linkProvenAt! > 2 * INTERVAL);
  }

  /** The commands from behind one renewal on, with so many that follow. */
  async function commandsOf(renewals: number): Promise<number> {
    await hubs.redis.cli('CONFIG', 'RESETSTAT');
    const before = await commands();
    expect(before.renewals).toBe(0);
    await until(async () => (await commands()).renewals >= renewals, { timeout: 100_000 });
    const after = await commands();
    // A TIME each.
    return (after.all + after.renewals) / after.renewals;
  }

  it.each([
    ['', () => undefined],
    [' with a client on a quiet channel', (test: TestHub) => test.client(['news'])],
  ])(
    'costs%s at most a third of what probe, lease, sweep and audit cost on their own',
    async (_with, use) => {
      const test = await start();
      await use(test);
      // Each log is audited once.
      await commandsOf(8);
      const each = await commandsOf(6);
      process.stdout.write(`\nidle: ${each.toFixed(2)} commands a renewal, of which a lease has three\n`);
      expect(each * 3).toBeLessThanOrEqual(FORMERLY / 3);
    },
  );

  it("costs at most a thirtieth of them with idle: 'cheap', by the time that its renewals take", async () => {
    const test = await start({ idle: 'cheap' });
    await untilIdle(test);
    const before = performance.now();
    const each = await commandsOf(2);
    const ms = performance.now() - before;
    // The one that the count began behind, at most, and two that follow.
    expect(ms).toBeGreaterThan(PACE * INTERVAL);
    process.stdout.write(`\nidle: ${each.toFixed(2)} commands a renewal, every ${PACE} s instead of one\n`);
    expect((each * 3) / PACE).toBeLessThanOrEqual(FORMERLY / 30);
  });

  const registryOf = ({ running }: TestHub) => running.app.get(SseRegistry);

  /** Without the protection: the first client does not end the idleness. */
  function neverWake({ hub }: TestHub): void {
    (hub['node'] as SseNode).registration.wake = () => undefined;
  }

  it('stays idle and ready while it publishes, though nothing proves its link meanwhile', async () => {
    const test = await start({ idle: 'cheap' });
    await untilIdle(test);
    await until(() => Date.now() - test.hub.stats().linkProvenAt! > 4 * INTERVAL, { timeout: 2 * LEASE });
    await test.hub.publish('news', { data: 'hello' });
    expect(await test.hub.readiness()).toEqual({ ready: true, problems: [] });
    expect(await leaseLeft(test)).toBeGreaterThan(LEASE);
  });

  it.each([
    ['a client', (test: TestHub) => test.client(['news'])],
    ['a listener', (test: TestHub) => Promise.resolve(test.subscribe('news'))],
    ['a question for the position', (test: TestHub) => test.hub.cursor()],
  ])('has a lease as short as any, and a proven link, at once after %s', async (_name, use) => {
    const test = await start({ idle: 'cheap' });
    await untilIdle(test);
    const asked = Date.now();
    await use(test);
    await until(() => test.hub.stats().linkProvenAt! >= asked);
    expect(await leaseLeft(test)).toBeLessThanOrEqual(LEASE);
  });

  it('keeps its long lease where the first client does not end the idleness (negative control)', async () => {
    const test = await start({ idle: 'cheap' });
    await untilIdle(test);
    neverWake(test);
    await test.client(['news']);
    expect(await leaseLeft(test)).toBeGreaterThan(LEASE);
  });

  it('renews its lease three times within it as long as it has a client, and is idle again after that', async () => {
    const test = await start({ idle: 'cheap' });
    await untilIdle(test);
    const client = await test.client(['news']);
    const watch = Stopwatch.start();
    while (watch.elapsed < 2 * LEASE) {
      const left = await leaseLeft(test);
      expect(left).toBeLessThanOrEqual(LEASE);
      // Not run out.
      expect(left).toBeGreaterThan(0);
    }
    await client.close();
    await untilIdle(test);
  });

  /** Delivers an event to a client that comes to an idle process whose link is deaf. @returns how long that took, ms */
  async function deliverOverDeafLink(prepare: (test: TestHub) => void): Promise<number> {
    const proxy = await TcpProxy.start({ target: hubs.redis.port });
    hubs.closeLater(() => proxy.stop());
    const test = await start({ idle: 'cheap', retry: 50, redis: `redis://127.0.0.1:${proxy.port}` });
    const other = await start();
    await untilIdle(test);
    // Right after a proof: the next one is far.
    const { linkProvenAt } = test.hub.stats();
    await until(() => test.hub.stats().linkProvenAt! > linkProvenAt!, { timeout: 2 * PACE * INTERVAL });
    prepare(test);
    proxy.connections.find(({ head }) => /subscribe\r\n/i.test(head))!.blackhole(true);
    const watch = Stopwatch.start();
    const client = test.reconnectingClient(['news']);
    await until(
      async () => {
        await other.hub.publish('news', { data: 'hello' });
        return client.events.length > 0;
      },
      { timeout: 60_000, interval: 100 },
    );
    return watch.stop();
  }

  it('finds a deaf link within two probe intervals from its first client on', async () => {
    expect(await deliverOverDeafLink(() => undefined)).toBeLessThan(2 * INTERVAL + REPAIR_MS);
  });

  it('finds it later where the first client does not end the idleness (negative control)', async () => {
    expect(await deliverOverDeafLink(neverWake)).toBeGreaterThan(2 * INTERVAL + REPAIR_MS);
  });

  it(`sweeps a process that died with clients within lease and ${PACE} sweep intervals`, async () => {
    const test = await start({ idle: 'cheap' });
    const victim = await RoomsProcess.start('fastify', { ...TIMES, prefix, redis: hubs.redis.url });
    hubs.closeLater(() => victim.stop());
    await victim.connect(Array.from({ length: 10 }, () => ({ path: '/rooms?channels=news' })));
    await untilIdle(test);
    expect(await registryOf(test).count()).toBe(10);
    const watch = Stopwatch.start();
    await victim.kill();
    await until(async () => (await registryOf(test).count()) === 0, { timeout: 60_000 });
    expect(watch.stop()).toBeLessThan(LEASE + PACE * INTERVAL + REPAIR_MS);
    expect(await leaseLeft(test)).toBeGreaterThan(LEASE);
  });

  it(`is taken for living until its lease of ${PACE} times the usual time has run out, once it died`, async () => {
    const lease = 900;
    const times = { ...TIMES, registry: { leaseTtl: lease, sweepInterval: lease / 3 } };
    const test = await start(times);
    const process = await AppProcess.start(new URL('../faults/node.process.ts', import.meta.url), {
      args: ['fastify', JSON.stringify({ ...times, prefix, redis: hubs.redis.url, idle: 'cheap' })],
    });
    hubs.closeLater(() => process.isRunning && process.kill('SIGKILL'));
    const nodes = () => registryOf(test).nodes();
    await until(async () => (await nodes()).some(({ expires }) => expires > Date.now() + 2 * lease));
    const watch = Stopwatch.start();
    await process.kill('SIGKILL');
    await until(async () => (await nodes()).length === 1, { timeout: 60_000 });
    expect(watch.stop()).toBeLessThan(PACE * lease + lease / 3 + REPAIR_MS);
  });
});
