import { AppProcess } from '@nestjs-sse-redis/testing';
import { allBrokers, Hubs } from '../hub/hubs.js';
import { Scene } from './publishers.js';

/** Node 26 warns of `module.register()`; what takes its place is not in Node 20. */
const WITHOUT_NEST = [
  '--disable-warning=DEP0205',
  ...['--import', new URL('./no-nest.ts', import.meta.url).href],
];
const CHANNELS = ['a', 'b', 'c', 'd'];
const setUps = allBrokers.filter(({ broker }) => broker !== 'memory');

/** Runs a job, which ends by itself where it closes its publisher. */
function startJob(scene: Scene, end: string): Promise<AppProcess> {
  return AppProcess.start(new URL('./job.process.ts', import.meta.url), {
    args: [JSON.stringify(scene.options), end],
    execArgv: WITHOUT_NEST,
  });
}

describe.each(setUps)('a job without Nest, over $broker', ({ broker }) => {
  const hubs = Hubs.over(broker);

  it('publishes what clients receive, has typed errors, and ends when its publisher is closed', async () => {
    const scene = await Scene.start(hubs);
    const client = await scene.test.client(CHANNELS);
    const job = await startJob(scene, 'close');
    expect(await job.exited).toEqual({ code: 0, signal: null });
    expect(JSON.parse(job.stdout)).toEqual({
      isOurs: true,
      name: 'InvalidEventError',
      statusCode: 400,
      message: expect.stringContaining('The event type "end" is taken'),
    });
    expect(job.stderr).toBe('');
    const messages = await client.waitFor(CHANNELS.length);
    expect(messages.map(({ data }) => data)).toEqual(CHANNELS.map(() => String(job.pid)));
  });
});

describe('a process without Nest', () => {
  const hubs = Hubs.over('redis');

  it('goes on where it leaves its publisher open (control)', async () => {
    const scene = await Scene.start(hubs);
    const [open, closed] = await Promise.all([startJob(scene, 'leave open'), startJob(scene, 'close')]);
    hubs.closeLater(() => open.kill());
    await closed.exited;
    expect(open.isRunning).toBe(true);
  });

  it('cannot load the main entry point (control)', async () => {
    const main = new URL('./main.process.ts', import.meta.url);
    await expect(AppProcess.start(main, { execArgv: WITHOUT_NEST })).rejects.toThrow(
      /(@nestjs\/\S+|rxjs|reflect-metadata) is not installed here/,
    );
    const loaded = await AppProcess.start(main);
    hubs.closeLater(() => loaded.kill());
    expect(loaded.port).toBe('SseRedisModule'.length);
  });
});
