import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { TcpProxy, until } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { RunWriter } from '../../src/runs/run-writer.js';
import { failureOf, Hubs, type TestHub } from '../hub/hubs.js';
import { RunPage } from './run-page.js';
import { RunTap, tokens } from './run-tap.js';

/** What the writer does that keeps an event from being stored twice. */
interface Numbering {
  number(publications: readonly { readonly run?: unknown }[], end: unknown): { readonly run?: unknown }[];
}

describe('runs while Redis is away', () => {
  const hubs = Hubs.over('redis');
  const writer = RunWriter.prototype as unknown as Numbering;

  /** A hub behind a proxy, and one that reads what it stores. */
  async function start(
    publishTimeout = 2_000,
  ): Promise<{ owner: TestHub; reader: TestHub; proxy: TcpProxy }> {
    const prefix = randomUUID();
    const proxy = await TcpProxy.start({ target: hubs.redis.port });
    hubs.closeLater(() => proxy.stop());
    const owner = await hubs.start({
      prefix,
      redis: `redis://127.0.0.1:${proxy.port}`,
      publishTimeout,
    });
    return { owner, reader: await hubs.start({ prefix }), proxy };
  }

  /** The tokens of a run in whose course the connections are cut again and again. */
  async function readWhileCut(count: number): Promise<RunPage> {
    const { owner, reader, proxy } = await start();
    const tap = new RunTap();
    const run = await owner.hub.run('a', tap.source);
    const page = RunPage.open(hubs, reader, run);
    for (let i = 0; i < count; i += 50) {
      const before = page.text.length;
      tap.give(...tokens(50, `${i / 50}.`));
      if (i % 100 === 0) setImmediate(() => proxy.cut());
      await until(() => page.text.length > before);
    }
    tap.end();
    await page.stream.ended;
    expect(await run.outcome()).toEqual({ state: 'done' });
    return page;
  }

  const expected = (count: number): string =>
    Array.from({ length: count / 50 }, (_, i) => tokens(50, `${i}.`).join('')).join('');

  it('stores each token once, in order, though its connections are cut again and again', async () => {
    const page = await readWhileCut(2_000);
    expect(page.text).toBe(expected(2_000));
    expect(page.types).toEqual(['end']);
  });

  it('stores tokens twice, or loses them, where they have no number (negative control)', async () => {
    const number = Reflect.get(writer, 'number');
    hubs.closeLater(() => (writer.number = number));
    writer.number = function (publications, end) {
      const numbered = number.call(this, publications, end);
      // Only the end is of the run.
      if (!end) for (const one of numbered) Reflect.deleteProperty(one, 'run');
      return numbered;
    };
    const page = await readWhileCut(2_000);
    expect(page.text).not.toBe(expected(2_000));
  });

  it('holds its source up in an outage, and goes on behind it', async () => {
    const { owner, reader, proxy } = await start();
    const tap = new RunTap();
    const run = await owner.hub.run('a', tap.source);
    const page = RunPage.open(hubs, reader, run);
    tap.give('before ');
    await until(() => page.text === 'before ');
    await proxy.refuse(true);
    proxy.cut();
    tap.give(...tokens(100));
    tap.end();
    await until(async () => !(await owner.hub.readiness()).ready);
    await proxy.refuse(false);
    await page.stream.ended;
    expect(page.text).toBe(`before ${tokens(100).join('')}`);
    expect(await run.outcome()).toEqual({ state: 'done' });
  });

  it('goes on where Redis has lost its data, and its readers are told of the gap', async () => {
    const test = await hubs.start({ registry: { leaseTtl: 6_000, sweepInterval: 200 } });
    const tap = new RunTap();
    const run = await test.hub.run('a', tap.source);
    const page = test.reconnectingClient(['a']);
    await until(() => page.lastEventId !== '');
    tap.give('before');
    await page.waitFor(({ data }) => data === 'before');
    await hubs.emptyRedis(run.id);
    tap.give('after');
    await page.waitFor(({ data }) => data === 'after');
    tap.end();
    const end = await page.waitFor(({ type }) => type === 'end');
    expect(JSON.parse(end.data)).toEqual({ channel: 'a', outcome: 'done', run: run.id });
    expect(await test.hub.runOf('a')).toMatchObject({ id: run.id, state: 'done' });
  });

  it('leaves no run behind that was on its way when the application closed', async () => {
    const { owner, reader, proxy } = await start(60_000);
    const tap = new RunTap();
    proxy.delay(200);
    const starting = owner.hub.run('a', tap.source).then(
      (run) => run.outcome(),
      (error: { code: string }) => error.code,
    );
    await owner.running.close();
    expect(['DRAINING', { state: 'interrupted' }]).toContainEqual(await starting);
    expect(tap.signals.every(({ aborted }) => aborted)).toBe(true);
    const run = await reader.hub.runOf('a');
    expect(run?.state ?? 'interrupted').toBe('interrupted');
  });

  it('ends the run of a start that was done, though its caller was told that Redis is away', async () => {
    const { owner, reader, proxy } = await start();
    const tap = new RunTap();
    // What Redis answers does not come.
    proxy.blackhole(true);
    const error = await failureOf(owner.hub.run('a', tap.source));
    expect(error).toMatchObject({ code: 'REDIS_UNAVAILABLE' });
    proxy.blackhole(false);
    proxy.cut();
    await until(async () => (await owner.hub.readiness()).ready);
    const again = await owner.hub.run('a', () => ['x']);
    expect(await again.outcome()).toEqual({ state: 'done' });
    expect(tap.signals).toEqual([]);
    expect((await reader.hub.runOf('a'))?.id).toBe(again.id);
  });

  it('fails where Redis is full, and its readers are told once there is room', async () => {
    const test = await hubs.start();
    const tap = new RunTap();
    const run = await test.hub.run('a', tap.source);
    const page = RunPage.open(hubs, test, run);
    tap.give('before');
    await until(() => page.text === 'before');
    const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    hubs.closeLater(() => logged.mockRestore());
    hubs.closeLater(() => hubs.redis.cli('CONFIG', 'SET', 'maxmemory', 0));
    await hubs.redis.cli('CONFIG', 'SET', 'maxmemory', 1);
    tap.give('refused');
    await until(() => tap.isLeft);
    // At once: the end is stored when there is room, and that may take long.
    await until(() =>
      logged.mock.calls.some(([text]) => String(text).includes('The run of channel "a" failed')),
    );
    expect(page.types).toEqual([]);
    await hubs.redis.cli('CONFIG', 'SET', 'maxmemory', 0);
    expect(await run.outcome()).toMatchObject({ state: 'failed', error: { code: 'REDIS_OUT_OF_MEMORY' } });
    await page.stream.ended;
    expect([page.text, page.types]).toEqual(['before', ['error', 'end']]);
  });
});
