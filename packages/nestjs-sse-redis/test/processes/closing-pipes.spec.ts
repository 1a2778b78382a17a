import { AppProcess, forEachAdapter, SseStream, useRedis } from '@nestjs-sse-redis/testing';
import { randomUUID } from 'node:crypto';
import type { PipeRequest } from './pipes.process.js';

const redis = useRedis();

/** What a page was sent, but positions. */
function sentTo({ messages }: SseStream): string[] {
  return messages
    .filter(({ type }) => type !== 'position')
    .map(({ type, data }) => (type === 'message' ? data : `${type} ${data}`));
}

const ERROR = 'error {"channel":"chat","code":"PIPE_INTERRUPTED"}';
const END = 'end {"channel":"chat"}';

forEachAdapter((adapter) => {
  let worker: AppProcess;
  let other: AppProcess;
  const pages: SseStream[] = [];

  async function start(timeout: number, execArgv: string[] = []): Promise<void> {
    const options = JSON.stringify({ redis: redis.url, prefix: randomUUID(), drain: { timeout } });
    const node = () =>
      AppProcess.start(new URL('./pipes.process.ts', import.meta.url), {
        args: [adapter, options],
        execArgv,
      });
    [worker, other] = await Promise.all([node(), node()]);
  }

  afterEach(async () => {
    await Promise.all(pages.splice(0).map((page) => page.close()));
    await Promise.all([worker, other].filter(({ isRunning }) => isRunning).map((app) => app.kill()));
  });

  async function page(app: AppProcess, rewind = 0, channel = 'chat'): Promise<SseStream> {
    const stream = SseStream.open(`${app.url}/streams?channels=${channel}&rewind=${rewind}`);
    pages.push(stream);
    await stream.waitForBlock(({ id }) => id !== undefined);
    return stream;
  }

  const pipe = (app: AppProcess, request: PipeRequest) => app.request(request);

  it.each([
    ['generator', 20_000, ['A left']],
    ['observable', 20_000, []],
    ['hanging', 4_000, []],
  ] as const)(
    'ends the pages of all processes on SIGTERM while a %s source is piped',
    async (source, timeout, last) => {
      await start(timeout);
      const both = await Promise.all([page(worker), page(other)]);
      await pipe(worker, { run: 'A', source });
      await Promise.all(both.map((stream) => stream.waitFor(({ data }) => data === 'A2')));
      expect(await worker.kill('SIGTERM')).toMatchObject({ signal: 'SIGTERM' });
      expect(worker.stdout).toContain('source left');
      expect(worker.stdout).toContain('pipe rejected PIPE_INTERRUPTED');
      for (const stream of both) {
        expect(await stream.ended).toBe('end');
        const sent = sentTo(stream);
        const tokens = sent.filter((data) => /^A\d+$/.test(data));
        expect(tokens).toEqual(tokens.map((_, i) => `A${i}`));
        expect(sent).toEqual([...tokens, ...last, ERROR, END]);
      }
    },
  );

  it('hands all clients over on SIGTERM while a pipe that nobody awaits is interrupted', async () => {
    await start(20_000);
    const [chat, news] = await Promise.all([page(worker), page(worker, 0, 'news')]);
    await pipe(worker, { run: 'A', source: 'observable', isForgotten: true });
    await chat.waitFor(({ data }) => data === 'A2');
    const before = news.retry;
    expect(await worker.kill('SIGTERM')).toMatchObject({ signal: 'SIGTERM' });
    expect(await Promise.all([chat.ended, news.ended])).toEqual(['end', 'end']);
    expect(sentTo(chat).slice(-2)).toEqual([ERROR, END]);
    // It was told a time of its own to come back.
    expect(news.blocks.filter(({ raw }) => raw.startsWith('retry: '))).toHaveLength(2);
    expect(before).toBeGreaterThan(0);
  });

  it('sends the next run whole, and no end of the run before, to a page that rewinds at another process', async () => {
    await start(20_000);
    await pipe(worker, { run: 'A', source: 5 });
    const live = await page(other);
    await pipe(worker, { run: 'B', source: 'observable' });
    // Until then the end of A is the newest event.
    await live.waitFor(({ data }) => data === 'B0');
    const stream = await page(other, 100);
    await stream.waitFor(({ data }) => data === 'B9');
    await worker.kill('SIGTERM');
    expect(await stream.ended).toBe('end');
    const sent = sentTo(stream);
    const b = sent.filter((data) => /^B\d+$/.test(data)).map((_, i) => `B${i}`);
    expect(sent).toEqual(['A0', 'A1', 'A2', 'A3', 'A4', ...b, ERROR, END]);
    // Its page goes on with the run that follows.
    await pipe(other, { run: 'C', source: 3 });
    const back = SseStream.open(`${other.url}/streams?channels=chat`, { lastEventId: stream.lastEventId });
    pages.push(back);
    expect(await back.ended).toBe('end');
    expect(sentTo(back)).toEqual(['C0', 'C1', 'C2', END]);
  });

  it('leaves a page without a word on SIGTERM where pipes are no part of the drain (negative control)', async () => {
    const twin = new URL('./no-pipe-drain.ts', import.meta.url).href;
    await start(20_000, ['--import', twin]);
    const stream = await page(other);
    await pipe(worker, { run: 'A', source: 'observable' });
    await stream.waitFor(({ data }) => data === 'A2');
    await worker.kill('SIGTERM');
    expect(worker.stdout).not.toContain('PIPE_INTERRUPTED');
    await pipe(other, { run: 'B', source: 1 });
    await stream.waitFor(({ data }) => data === 'B0');
    expect(sentTo(stream)).not.toContain(ERROR);
  });
});
