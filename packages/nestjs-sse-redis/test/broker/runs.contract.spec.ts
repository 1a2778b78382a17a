import { until } from '@nestjs-sse-redis/testing';
import type { Broker, Publication, PublishOutcome } from '../../src/broker/broker.interface.js';
import type { RunEndState, RunFence, StoredRun } from '../../src/broker/run-store.interface.js';
import { RunOrderError } from '../../src/broker/run-order.error.js';
import { RunEndedError } from '../../src/errors/run-ended.error.js';
import { parseEventId } from '../../src/event/position.js';
import { brokerSetUps, Heard, publication } from './broker-set-ups.js';

const LONG = 60_000;
const KEPT = 1_000;
const NODE = { host: 'here', pid: 1 };
const ALL = { records: 10_000, bytes: Infinity };

describe.each(brokerSetUps)('the runs of the $name broker', (setUp) => {
  let broker: Broker;

  beforeAll(() => setUp.prepare());
  beforeEach(async () => {
    broker = setUp.create();
    await broker.start(new Heard());
  });
  afterEach(() => broker.close());
  afterAll(() => setUp.dispose());

  const start = (node = 'n1', token = 'first') =>
    broker.runs.start({ channel: 'a', node, token, history: { maxLength: KEPT } });
  const ofRun = (
    { id, node }: StoredRun,
    sequence: number,
    { base = sequence - 1, end }: { base?: number; end?: RunEndState } = {},
  ): Publication => {
    const run: RunFence = { id, node, sequence, base, end: end && { state: end, retain: LONG } };
    return { ...publication('a', `${sequence}`), run };
  };
  const publishOne = async (one: Publication): Promise<PublishOutcome> => (await broker.publish([one]))[0]!;
  const errorOf = (outcome: PublishOutcome) => ('error' in outcome ? outcome.error : undefined);
  const log = async (): Promise<string[]> => {
    const [slice] = await broker.read([{ channel: 'a', after: 0 }], ALL);
    return slice!.records.map(({ frame }) => /^data: (.*)$/m.exec(frame.toString())![1]!);
  };

  it('starts one run of a channel at a time', async () => {
    const { isNew, run } = await start();
    expect(isNew).toBe(true);
    expect(run).toMatchObject({ node: 'n1', state: 'running', endedAt: undefined });
    expect(await broker.runs.get('a')).toEqual(run);
    expect(await broker.runs.get('b')).toBeUndefined();
    expect(await start('n2', 'second')).toEqual({ isNew: false, run });
    // The same call again: its answer was lost.
    expect(await start()).toEqual({ isNew: true, run });
    const many = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        broker.runs.start({ channel: 'b', node: 'n1', token: `t${i}`, history: { maxLength: KEPT } }),
      ),
    );
    expect(many.filter((one) => one.isNew)).toHaveLength(1);
    expect(new Set(many.map((one) => one.run.id)).size).toBe(1);
  });

  it('stores its events in order, each once, however often they are sent', async () => {
    const { run } = await start();
    const before = Date.now();
    const outcomes = await broker.publish([ofRun(run, 1), ofRun(run, 2, { base: 0 })]);
    expect(outcomes.map(errorOf)).toEqual([undefined, undefined]);
    const again = await broker.publish([
      ofRun(run, 1),
      ofRun(run, 2, { base: 0 }),
      ofRun(run, 3, { base: 0 }),
    ]);
    expect(again.map(errorOf)).toEqual([undefined, undefined, undefined]);
    expect(await log()).toEqual(['', '1', '2', '3']);
    await publishOne(ofRun(run, 4, { end: 'done' }));
    const stored = (await broker.runs.get('a'))!;
    expect(stored).toEqual({ ...run, state: 'done', endedAt: expect.any(Number) });
    expect(stored.endedAt).toBeGreaterThanOrEqual(before - 1_000);
    // Also the end is stored once.
    expect(errorOf(await publishOne(ofRun(run, 4, { end: 'done' })))).toBeUndefined();
    expect(await log()).toEqual(['', '1', '2', '3', '4']);
  });

  it('refuses an event behind one that got lost on its way, and takes both again', async () => {
    const { run } = await start();
    expect(errorOf(await publishOne(ofRun(run, 2, { base: 0 })))).toBeInstanceOf(RunOrderError);
    const both = await broker.publish([ofRun(run, 1), ofRun(run, 2, { base: 0 })]);
    expect(both.map(errorOf)).toEqual([undefined, undefined]);
    expect(await log()).toEqual(['', '1', '2']);
  });

  it.each(['done', 'failed', 'stopped', 'interrupted'] as const)(
    'stores nothing of a run that is %s, by its owner or by another',
    async (state) => {
      const { run } = await start();
      await publishOne(ofRun(run, 1));
      expect(errorOf(await publishOne(ofRun(run, 0, { base: 0, end: state })))).toBeUndefined();
      const refused = errorOf(await publishOne(ofRun(run, 2)));
      expect(refused).toBeInstanceOf(RunEndedError);
      expect(refused).toMatchObject({ state });
      expect(errorOf(await publishOne(ofRun(run, 0, { base: 0, end: 'stopped' })))).toMatchObject({ state });
      expect(await log()).toEqual(['', '1', '0']);
      expect(await broker.runs.get('a')).toMatchObject({ state });
    },
  );

  it('stores nothing of a run behind its successor', async () => {
    const { run } = await start();
    const next = await broker.runs.start({
      channel: 'a',
      node: 'n2',
      token: 'second',
      history: { maxLength: KEPT },
      replaced: { id: run.id, end: { state: 'stopped', retain: LONG }, text: 'data: end\n\n' },
    });
    expect(next).toMatchObject({ isNew: true, run: { node: 'n2', state: 'running' } });
    expect(parseEventId(next.run.id)).toBeGreaterThan(parseEventId(run.id)!);
    expect(errorOf(await publishOne(ofRun(run, 1)))).toMatchObject({ code: 'RUN_ENDED', state: 'stopped' });
    await publishOne(ofRun(next.run, 1));
    expect(await log()).toEqual(['', 'end', '', '1']);
    // Who would replace the first one comes too late.
    const late = await broker.runs.start({
      channel: 'a',
      node: 'n3',
      token: 'third',
      history: { maxLength: KEPT },
      replaced: { id: run.id, end: { state: 'stopped', retain: LONG }, text: 'data: end\n\n' },
    });
    expect(late).toMatchObject({ isNew: false, run: { id: next.run.id } });
  });

  it('is not over for who reads, while it has stored nothing behind the end of the run before', async () => {
    const first = await start();
    const end: Publication = {
      ...ofRun(first.run, 1, { end: 'done' }),
      event: { kind: 'x', text: 'data: e\n\n' },
    };
    await publishOne(end);
    const read = async () => (await broker.read([{ channel: 'a', after: await broker.position() }], ALL))[0]!;
    expect((await read()).ended).toBe(true);
    await start('n1', 'second');
    expect((await read()).ended).toBe(false);
  });

  it('forgets a run when its time is over', async () => {
    const { run } = await start();
    const fence = { ...ofRun(run, 1).run!, end: { state: 'done', retain: 50 } as const };
    await publishOne({ ...ofRun(run, 1), run: fence });
    await until(async () => (await broker.runs.get('a')) === undefined);
    // And an owner that slept for so long has no run any more, or goes on with one that nobody else has.
    expect(await log()).toEqual(['', '1']);
  });

  describe('in the registry', () => {
    beforeEach(async () => {
      for (const id of ['n1', 'n2']) await broker.registry.renew({ ...NODE, id }, LONG);
    });

    it('notes runs of a node that has a lease, and keeps its place until they are taken out', async () => {
      const { registry } = broker;
      expect(await registry.addRuns('n9', ['a'])).toBe(false);
      expect(await registry.addRuns('n1', ['a', 'b\u00e9', 'a'])).toBe(true);
      expect(await registry.addRuns('n2', ['c'])).toBe(true);
      await registry.renew({ ...NODE, id: 'n1' }, 1);
      await until(async () => (await registry.nodes()).every(({ id }) => id !== 'n1'));
      const sweep = () => registry.sweep('n2', 1_000, 10);
      expect(await sweep()).toMatchObject({ node: 'n1', runs: ['a', 'b\u00e9'], more: true });
      await registry.removeRuns('n1', ['a']);
      expect(await sweep()).toMatchObject({ node: 'n1', runs: ['b\u00e9'], more: true });
      expect(await registry.addRuns('n1', ['d'])).toBe(false);
      await registry.removeRuns('n1', ['b\u00e9']);
      expect(await sweep()).toMatchObject({ node: 'n1', runs: [], more: true });
      expect(await sweep()).toMatchObject({ node: undefined, more: false });
    });

    it('leaves runs that a node could not end to those who sweep', async () => {
      const { registry } = broker;
      await registry.addRuns('n1', ['a']);
      expect(await registry.leave('n1', 'shutdown', 10)).toMatchObject({ runs: ['a'], more: false });
      expect((await registry.nodes()).map(({ id }) => id)).toEqual(['n2']);
      expect(await registry.sweep('n2', 1_000, 10)).toMatchObject({ node: 'n1', runs: ['a'] });
    });
  });
});
