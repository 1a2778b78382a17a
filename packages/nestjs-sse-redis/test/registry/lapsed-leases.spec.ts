import { jest } from '@jest/globals';
import { TcpProxy, until } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { SseRegistry } from 'nestjs-sse-redis';
import { Sweeper } from '../../src/registry/sweeper.js';
import { Hubs, type TestHub } from '../hub/hubs.js';
import { RunTap } from '../runs/run-tap.js';

/** Longer than a busy machine leaves a process without its processor. */
const LEASE = 3_000;
/** For others to come back, in ms, however busy the machine is. */
const IN_PLENTY = 120_000;
const A_MOMENT = 1_000;
/** No renewal fails for having waited. */
const TIMING = { publishTimeout: 60_000, registry: { leaseTtl: LEASE, sweepInterval: 50 } };

describe('processes whose leases run out while Redis is away', () => {
  const hubs = Hubs.over('redis');
  afterEach(() => jest.restoreAllMocks());

  /** @param ms that others have to come back */
  const giveOthers = (ms: number) =>
    jest
      .spyOn(Sweeper.prototype as unknown as { readonly comeback: number }, 'comeback', 'get')
      .mockReturnValue(ms);

  /** A hub behind a proxy of its own. */
  async function start(prefix: string): Promise<{ test: TestHub; proxy: TcpProxy }> {
    const proxy = await TcpProxy.start({ target: hubs.redis.port });
    hubs.closeLater(() => proxy.stop());
    const redis = `redis://127.0.0.1:${proxy.port}`;
    const test = await hubs.start({ prefix, redis, ...TIMING });
    return { test, proxy };
  }

  /** Before a run goes on, whose writes wait for `publishTimeout` alone. */
  async function comeBack({ test, proxy }: { test: TestHub; proxy: TcpProxy }): Promise<void> {
    await proxy.refuse(false);
    await until(async () => (await test.hub.readiness()).ready);
  }

  /** When its lease runs out, in ms since the epoch. */
  const leaseOf = ({ test }: { test: TestHub }) =>
    (test.hub['node']['registration'] as unknown as { readonly leaseUntil: number }).leaseUntil;

  async function cutOff(proxy: TcpProxy): Promise<void> {
    await proxy.refuse(true);
    proxy.cut();
  }

  /**
   * Two processes, of which the second has a run and a client. They could sweep at once, from their start on.
   *
   * @param comeback ms that each gives others from now on
   */
  async function startTwo(comeback: number) {
    giveOthers(0);
    const prefix = randomUUID();
    const [first, second] = [await start(prefix), await start(prefix)];
    const changes: string[] = [];
    const watched = first.test.running.app
      .get(SseRegistry)
      .changes.subscribe(({ type }) => changes.push(type));
    hubs.closeLater(() => watched.unsubscribe());
    const tap = new RunTap();
    const run = await second.test.hub.run('a', tap.source);
    await second.test.client(['news']);
    await until(() => changes.includes('connected'));
    giveOthers(comeback);
    return { first, second, changes, tap, run, leases: `{${prefix}}:reg2:nodes` };
  }

  /** Both lose Redis, and their leases run out. */
  async function startTwoAndCutOff(comeback: number) {
    const two = await startTwo(comeback);
    await Promise.all([cutOff(two.first.proxy), cutOff(two.second.proxy)]);
    await until(async () => (await hubs.redis.cli('ZCOUNT', two.leases, '-inf', Date.now())) === 2);
    return two;
  }

  /** Renewed so often that it would have swept meanwhile. */
  async function untilRenewed({ test }: { test: TestHub }, leases: string): Promise<void> {
    const { id } = test.hub['node'];
    const renewals = new Set<unknown>();
    await until(async () => renewals.add(await hubs.redis.cli('ZSCORE', leases, id)).size > 5);
  }

  it('are not taken for dead by the first of them that is back', async () => {
    const { first, second, changes, tap, run, leases } = await startTwoAndCutOff(IN_PLENTY);
    await first.proxy.refuse(false);
    await untilRenewed(first, leases);
    expect(await first.test.hub.runOf('a')).toMatchObject({ id: run.id, state: 'running' });

    await comeBack(second);
    tap.give('behind the outage');
    tap.end();
    expect(await run.outcome()).toEqual({ state: 'done' });
    expect(changes).toEqual(['connected']);
  });

  it('are not taken for dead by a process that starts when Redis is back', async () => {
    giveOthers(IN_PLENTY);
    const prefix = randomUUID();
    const cut = await start(prefix);
    const { test, proxy } = cut;
    const tap = new RunTap();
    const run = await test.hub.run('a', tap.source);
    await cutOff(proxy);
    const leases = `{${prefix}}:reg2:nodes`;
    await until(async () => (await hubs.redis.cli('ZCOUNT', leases, '-inf', Date.now())) === 1);

    await untilRenewed(await start(prefix), leases);
    await comeBack(cut);
    tap.give('behind the outage');
    tap.end();
    expect(await run.outcome()).toEqual({ state: 'done' });
  });

  it('are not taken for dead where Redis hangs, and no renewal fails', async () => {
    const { first, second, changes, tap, run, leases } = await startTwo(IN_PLENTY);
    // The second never renews its lease again on this link, so that a sweep has all the time it wants.
    second.proxy.blackhole(true);
    hubs.redis.pause();
    await until(() => Date.now() > leaseOf(first) && Date.now() > leaseOf(second));
    hubs.redis.resume();
    await untilRenewed(first, leases);
    expect(await first.test.hub.runOf('a')).toMatchObject({ id: run.id, state: 'running' });

    second.proxy.blackhole(false);
    await comeBack(second);
    tap.give('behind the outage');
    tap.end();
    expect(await run.outcome()).toEqual({ state: 'done' });
    expect(changes).toEqual(['connected']);
  });

  it('are taken for dead at once where nobody waits for them (negative control)', async () => {
    const { first, second, run } = await startTwoAndCutOff(0);
    await first.proxy.refuse(false);
    await until(
      async () => (await first.test.hub.runOf('a').catch(() => undefined))?.state === 'interrupted',
    );
    await second.proxy.refuse(false);
    expect(await run.outcome()).toEqual({ state: 'interrupted' });
  });

  it('are taken for dead where they do not come back', async () => {
    const { first, second, run } = await startTwoAndCutOff(A_MOMENT);
    await first.proxy.refuse(false);
    await until(async () => (await first.test.running.app.get(SseRegistry).nodes()).length === 1);
    await until(async () => (await first.test.hub.runOf('a'))?.state === 'interrupted');
    expect((await first.test.hub.runOf('a'))?.id).toBe(run.id);
    await second.proxy.refuse(false);
  });
});
