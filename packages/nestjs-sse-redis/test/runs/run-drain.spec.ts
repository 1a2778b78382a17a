import { AppProcess, forEachAdapter, until, useRedis } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import { RunReader, type ReadRun } from './run-reader.js';
import type { RunRequest } from './runs.process.js';

const redis = useRedis();
const SHORT = 1_000;
/** Its end is far off, also on a busy machine. */
const LONG = 15_000;

forEachAdapter((adapter) => {
  let owner: AppProcess;
  let other: AppProcess;
  let reader: RunReader;
  let run: ReadRun;

  /** A run of one process, and its reader at another, in the midst of it. */
  async function start(
    tokens: number,
    drain: { readonly runs?: number; readonly timeout?: number },
  ): Promise<void> {
    const options = JSON.stringify({ redis: redis.url, prefix: randomUUID(), drain });
    const node = () =>
      AppProcess.start(new URL('./runs.process.ts', import.meta.url), { args: [adapter, options] });
    [owner, other] = await Promise.all([node(), node()]);
    const request: RunRequest = { kind: 'run', channel: 'a', label: 'x', tokens };
    const { id } = await owner.request<{ id: string }>(request);
    run = { id, channel: 'a', label: 'x', tokens };
    reader = new RunReader(run, () => other.url, 60_000);
    await until(() => reader.tokens.length >= 50);
  }

  afterEach(async () => {
    await reader.stop();
    await Promise.all([owner, other].filter(({ isRunning }) => isRunning).map((node) => node.kill()));
  });

  it('interrupts its runs on SIGTERM, and their readers are told', async () => {
    await start(LONG, { timeout: 20_000 });
    expect(await owner.kill('SIGTERM')).toMatchObject({ signal: 'SIGTERM' });
    expect(await reader.outcome()).toBe('interrupted');
    expect(reader.findFaults('interrupted')).toEqual([]);
    expect(reader.tokens.length).toBeLessThan(LONG);
    const found = await other.request({ kind: 'find', channel: 'a' } satisfies RunRequest);
    expect(found).toMatchObject({ id: run.id, state: 'interrupted' });
  });

  it('lets its runs end by themselves on SIGTERM within drain.runs', async () => {
    await start(SHORT, { runs: 60_000 });
    expect(await owner.kill('SIGTERM')).toMatchObject({ signal: 'SIGTERM' });
    expect(await reader.outcome()).toBe('done');
    expect(reader.findFaults('done')).toEqual([]);
  });
});
