import { until } from '@nestjs-sse-redis/testing';
import { InvalidArgumentError, RunExistsError, SourceFailedError } from 'nestjs-sse-redis';
import { randomUUID } from 'node:crypto';
import { from, Subject } from 'rxjs';
import { allBrokers, failureOf, Hubs } from '../hub/hubs.js';
import { RunPage } from './run-page.js';
import { RunTap, tokens } from './run-tap.js';

describe.each(allBrokers)('runs over the $broker broker', ({ broker }) => {
  const hubs = Hubs.over(broker);

  it.each([
    ['an array', () => tokens(50)],
    ['a promise of an array', () => Promise.resolve(tokens(50))],
    ['an Observable', () => from(tokens(50))],
  ])('publishes what %s gives, then an end with its outcome', async (_name, source) => {
    const test = await hubs.start();
    const run = await test.hub.run('a', source);
    expect(run).toMatchObject({ channel: 'a', isNew: true });
    expect(await run.outcome()).toEqual({ state: 'done' });
    const page = RunPage.open(hubs, test, run);
    await page.stream.ended;
    expect(page.text).toBe(tokens(50).join(''));
    expect(page.types).toEqual(['end']);
    expect(page.ends).toEqual([{ channel: 'a', outcome: 'done', run: run.id }]);
  });

  it('gives a page that comes in its midst all of it, and tells server code nothing of its beginning', async () => {
    const test = await hubs.start();
    const listener = await test.listener('a');
    const tap = new RunTap();
    const run = await test.hub.run('a', tap.source);
    tap.give(...tokens(3));
    await until(async () => (await test.dataIn('a')).length === 3);
    const page = RunPage.open(hubs, test, run);
    await until(() => page.text === tokens(3).join(''));
    tap.give('more');
    tap.end();
    await page.stream.ended;
    expect(page.text).toBe([...tokens(3), 'more'].join(''));
    await until(() => listener.completed);
    expect(listener.data).toEqual([...tokens(3), 'more', { channel: 'a', outcome: 'done', run: run.id }]);
    expect(await test.dataIn('a')).toEqual(listener.data);
  });

  it.each(['another one has followed', 'it is no longer known'])(
    'tells a process that joined how a run ended, where %s',
    async (why) => {
      const prefix = randomUUID();
      const one = await hubs.start({ prefix });
      // The memory broker serves one process.
      const other = broker === 'memory' ? one : await hubs.start({ prefix });
      const tap = new RunTap();
      const isForgotten = why === 'it is no longer known';
      const run = await one.hub.run('a', tap.source, isForgotten ? { retainAfterEnd: 1_000 } : {});
      const joined = await other.hub.run('a', () => []);
      expect(joined).toMatchObject({ id: run.id, isNew: false });
      tap.give('x');
      tap.end();
      await run.outcome();
      if (isForgotten) await until(async () => (await other.hub.runOf('a')) === undefined);
      else await one.hub.run('a', () => tokens(3));
      expect(await joined.outcome()).toEqual({ state: 'done' });
    },
  );

  it('says stopped of each of many runs that replaced one another at once', async () => {
    const { hub } = await hubs.start();
    const starts = Array.from({ length: 20 }, () =>
      hub.run('a', new RunTap().source, { onExisting: 'replace' }),
    );
    const runs = await Promise.all(starts);
    await hub.stopRun('a');
    const outcomes = await Promise.all(runs.map((run) => run.outcome()));
    expect(outcomes.map(({ state }) => state)).toEqual(runs.map(() => 'stopped'));
  });

  it('keeps all of 3,000 tokens where channels keep 1,000 events', async () => {
    const test = await hubs.start();
    const run = await test.hub.run('a', () => tokens(3_000));
    await run.outcome();
    const page = RunPage.open(hubs, test, run);
    await page.stream.ended;
    expect(page.text).toBe(tokens(3_000).join(''));
    expect(page.types).toEqual(['end']);
  });

  it('joins a run that is going on, in this process and in another', async () => {
    const prefix = `joins-${process.pid}`;
    const one = await hubs.start({ prefix });
    // The memory broker serves one process.
    const other = broker === 'memory' ? one : await hubs.start({ prefix });
    const tap = new RunTap();
    const run = await one.hub.run('a', tap.source);
    const never = new RunTap();
    const joined = await Promise.all([one.hub.run('a', never.source), other.hub.run('a', never.source)]);
    expect(joined).toMatchObject([
      { id: run.id, channel: 'a', isNew: false },
      { id: run.id, channel: 'a', isNew: false },
    ]);
    const outcomes = joined.map((each) => each.outcome());
    tap.give('x');
    tap.end();
    expect(await Promise.all(outcomes)).toEqual([{ state: 'done' }, { state: 'done' }]);
    // It asks later, too.
    expect(await other.hub.runOf('a')).toMatchObject({ state: 'done' });
    expect(await joined[1].outcome()).toEqual({ state: 'done' });
    expect(never.signals).toEqual([]);
    expect(await one.dataIn('a')).toHaveLength(2);
  });

  it('refuses a second run with onExisting: refuse', async () => {
    const test = await hubs.start();
    const tap = new RunTap();
    const run = await test.hub.run('a', tap.source);
    const error = await failureOf(test.hub.run('a', tap.source, { onExisting: 'refuse' }));
    expect(error).toBeInstanceOf(RunExistsError);
    expect(error).toMatchObject({ code: 'RUN_EXISTS', runId: run.id });
    expect(error.message).toContain('hub.stopRun()');
    tap.end();
    await run.outcome();
    const again = await test.hub.run('a', () => ['b'], { onExisting: 'refuse' });
    expect(again.isNew).toBe(true);
    expect(await again.outcome()).toEqual({ state: 'done' });
  });

  it('replaces a run: the old source is left, its page is told, and nothing of it comes behind the new one', async () => {
    const test = await hubs.start();
    const tap = new RunTap();
    const first = await test.hub.run('a', tap.source);
    const page = RunPage.open(hubs, test, first);
    tap.give('old');
    await until(() => page.text === 'old');
    const second = await test.hub.run('a', () => ['new'], { onExisting: 'replace' });
    expect(second.isNew).toBe(true);
    expect(second.id).not.toBe(first.id);
    tap.give('too late');
    expect(await first.outcome()).toMatchObject({ state: 'stopped' });
    expect(tap.signals[0]!.aborted).toBe(true);
    await until(() => tap.isLeft);
    await second.outcome();
    await page.stream.ended;
    expect(page.ends[0]).toEqual({ channel: 'a', outcome: 'stopped', run: first.id });
    const later = RunPage.open(hubs, test, second);
    await later.stream.ended;
    expect(later.text).toBe('new');
  });

  it('stops a run, also from another process, after what its source gave', async () => {
    const prefix = `stops-${process.pid}`;
    const test = await hubs.start({ prefix });
    const other = broker === 'memory' ? test : await hubs.start({ prefix });
    const tap = new RunTap();
    const run = await test.hub.run('a', tap.source);
    const page = RunPage.open(hubs, test, run);
    tap.give(...tokens(3));
    await until(() => page.text === tokens(3).join(''));
    expect(await other.hub.stopRun('a')).toBe(true);
    expect(await run.outcome()).toEqual({ state: 'stopped' });
    expect(tap.signals[0]!.aborted).toBe(true);
    expect(tap.isLeft).toBe(true);
    await page.stream.ended;
    expect(page.types).toEqual(['end']);
    expect(page.ends).toEqual([{ channel: 'a', outcome: 'stopped', run: run.id }]);
    expect(await other.hub.stopRun('a')).toBe(false);
    expect(await other.hub.stopRun('nothing')).toBe(false);
    expect(await other.hub.runOf('a')).toMatchObject({ state: 'stopped', endedAt: expect.any(Number) });
  });

  it('stops a run whose source is not made yet, or does not listen to its signal', async () => {
    const test = await hubs.start();
    const run = await test.hub.run('a', () => new Promise<string[]>(() => undefined));
    expect(await test.hub.stopRun('a')).toBe(true);
    expect(await run.outcome()).toEqual({ state: 'stopped' });
    const deaf = await test.hub.run('b', () => new Subject<string>());
    expect(await test.hub.stopRun('b')).toBe(true);
    expect(await deaf.outcome()).toEqual({ state: 'stopped' });
  });

  it('says that a source failed, and not how', async () => {
    const test = await hubs.start();
    const tap = new RunTap();
    const run = await test.hub.run('a', tap.source);
    tap.give('before');
    tap.end(new Error('secret words'));
    const outcome = await run.outcome();
    expect(outcome.state).toBe('failed');
    expect(outcome.error).toBeInstanceOf(SourceFailedError);
    const page = RunPage.open(hubs, test, run);
    await page.stream.ended;
    expect(page.text).toBe('before');
    expect(page.types).toEqual(['error', 'end']);
    expect(page.ends).toEqual([{ channel: 'a', outcome: 'failed', run: run.id }]);
    expect(JSON.stringify(page.stream.messages)).not.toContain('secret');
    expect(await test.hub.runOf('a')).toMatchObject({ state: 'failed' });
  });

  it.each([
    ['throws as it is made', () => Promise.reject(new Error('no model'))],
    ['is no source', () => 7 as unknown as string[]],
    ['gives what is no event', () => [7 as unknown as string]],
  ])('fails where a source %s', async (_name, source) => {
    const test = await hubs.start();
    const run = await test.hub.run('a', source);
    expect(await run.outcome()).toMatchObject({ state: 'failed', error: expect.any(Error) });
    const page = RunPage.open(hubs, test, run);
    await page.stream.ended;
    expect(page.types).toEqual(['error', 'end']);
  });

  it('joins strings that come within the interval, and nothing else', async () => {
    const test = await hubs.start();
    const tap = new RunTap();
    const run = await test.hub.run('a', tap.source, { batch: { interval: 60_000, items: 100 } });
    tap.give('first');
    await until(async () => (await test.dataIn('a')).length === 1);
    tap.give(...tokens(99), { type: 'usage', data: { tokens: 99 } });
    await until(async () => (await test.dataIn('a')).length === 3);
    tap.give('last');
    tap.end();
    // The end of the source does not wait for the interval.
    expect(await run.outcome()).toEqual({ state: 'done' });
    expect((await test.dataIn('a')).slice(0, -1)).toEqual([
      'first',
      tokens(99).join(''),
      { tokens: 99 },
      'last',
    ]);
  });

  it('knows no run of a channel that has none, and forgets one after retainAfterEnd', async () => {
    const test = await hubs.start();
    expect(await test.hub.runOf('a')).toBeUndefined();
    const run = await test.hub.run('a', () => ['x'], { retainAfterEnd: 200 });
    expect(await test.hub.runOf('a')).toMatchObject({ id: run.id, channel: 'a', node: test.hub.nodeId });
    await run.outcome();
    await until(async () => (await test.hub.runOf('a')) === undefined);
    expect(await test.dataIn('a')).toHaveLength(2);
  });

  it.each([
    ['a source', () => undefined as never, [] as unknown as () => string[], undefined],
    ['onExisting', undefined, undefined, { onExisting: 'kill' }],
    ['batch', undefined, undefined, { batch: -1 }],
    ['batch', undefined, undefined, { batch: { interval: 10, items: 0 } }],
    ['retainAfterEnd', undefined, undefined, { retainAfterEnd: 0 }],
    ['no option', undefined, undefined, { wait: true }],
  ])('refuses a wrong %s before it starts anything', async (_name, _made, source, options) => {
    const test = await hubs.start();
    const error = await failureOf(test.hub.run('a', source ?? (() => ['x']), options as never));
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(await test.hub.runOf('a')).toBeUndefined();
  });
});
