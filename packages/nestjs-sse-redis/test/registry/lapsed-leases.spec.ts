import { TcpProxy, until } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { SseRegistry } from 'nestjs-sse-redis';
import { Hubs, type TestHub } from '../hub/hubs.js';
import { RunTap } from '../runs/run-tap.js';

/** Longer than a busy machine leaves a process without its processor. */
const LEASE = 3_000;

describe('processes whose leases run out while Redis is away', () => {
  const hubs = Hubs.over('redis');

  /** A hub behind a proxy of its own. */
  async function start(prefix: string): Promise<{ test: TestHub; proxy: TcpProxy }> {
    const proxy = await TcpProxy.start({ target: hubs.redis.port });
    hubs.closeLater(() => proxy.stop());
    const redis = `redis://127.0.0.1:${proxy.port}`;
    const test = await hubs.start({ prefix, redis, registry: { leaseTtl: LEASE, sweepInterval: 50 } });
    return { test, proxy };
  }

  async function cutOff(proxy: TcpProxy): Promise<void> {
    await proxy.refuse(true);
    proxy.cut();
  }

  it('are not taken for dead by the first of them that is back', async () => {
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

    await Promise.all([cutOff(first.proxy), cutOff(second.proxy)]);
    const leases = `{${prefix}}:reg2:nodes`;
    await until(async () => (await hubs.redis.cli('ZCOUNT', leases, '-inf', Date.now())) === 2);
    await first.proxy.refuse(false);
    const { id } = first.test.hub['node'];
    const renewals = new Set<unknown>();
    await until(async () => renewals.add(await hubs.redis.cli('ZSCORE', leases, id)).size > 5);
    expect(await first.test.hub.runOf('a')).toMatchObject({ id: run.id, state: 'running' });

    await second.proxy.refuse(false);
    tap.give('behind the outage');
    tap.end();
    expect(await run.outcome()).toEqual({ state: 'done' });
    expect(changes).toEqual(['connected']);
  });

  it('are not taken for dead by a process that starts when Redis is back', async () => {
    const prefix = randomUUID();
    const { test, proxy } = await start(prefix);
    const tap = new RunTap();
    const run = await test.hub.run('a', tap.source);
    await cutOff(proxy);
    const leases = `{${prefix}}:reg2:nodes`;
    await until(async () => (await hubs.redis.cli('ZCOUNT', leases, '-inf', Date.now())) === 1);

    const { id } = (await start(prefix)).test.hub['node'];
    const renewals = new Set<unknown>();
    await until(async () => renewals.add(await hubs.redis.cli('ZSCORE', leases, id)).size > 5);
    await proxy.refuse(false);
    tap.give('behind the outage');
    tap.end();
    expect(await run.outcome()).toEqual({ state: 'done' });
  });

  it('are taken for dead where they do not come back', async () => {
    const prefix = randomUUID();
    const [first, second] = [await start(prefix), await start(prefix)];
    const run = await second.test.hub.run('a', new RunTap().source);
    await Promise.all([cutOff(first.proxy), cutOff(second.proxy)]);
    await until(
      async () => (await hubs.redis.cli('ZCOUNT', `{${prefix}}:reg2:nodes`, '-inf', Date.now())) === 2,
    );
    await first.proxy.refuse(false);
    await until(async () => (await first.test.running.app.get(SseRegistry).nodes()).length === 1);
    await until(async () => (await first.test.hub.runOf('a'))?.state === 'interrupted');
    expect((await first.test.hub.runOf('a'))?.id).toBe(run.id);
    await second.proxy.refuse(false);
  });
});
