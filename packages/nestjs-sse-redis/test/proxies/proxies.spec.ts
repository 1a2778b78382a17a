import { jest } from '@jest/globals';
import { AppProcess, compare, forEachAdapter, useRedis } from '@nestjs-sse-redis/testing';
import { setTimeout as wait } from 'node:timers/promises';
import { NGINX, PLAIN_NGINX, PROXIES } from './proxy.js';
import { Site } from './site.js';

jest.setTimeout(300_000);

/** ms for which no process lives. */
const AWAY = 9_000;

const redis = useRedis();
let libraries: AppProcess;
beforeAll(async () => {
  libraries = await AppProcess.start(new URL('../clients/libraries.process.ts', import.meta.url));
});
afterAll(() => libraries?.kill());

let site: Site | undefined;
afterEach(async () => {
  await site?.close();
  site = undefined;
});

/** One process killed and back, the other drained, and both away. */
async function play(site: Site): Promise<void> {
  await site.publish(5);
  await site.received();
  await site.end(0, 'SIGKILL');
  await site.publish(5);
  await site.received();
  await site.start(0);
  const drained = site.end(1, 'SIGTERM');
  await site.publish(5);
  await drained;
  await site.received();
  await site.end(0, 'SIGKILL');
  await site.publish(5);
  await wait(AWAY);
  await Promise.all([site.start(0), site.start(1)]);
  await site.publish(5);
  await site.received();
}

forEachAdapter((adapter) => {
  it.each(PROXIES.map((program) => [program.name, program] as const))(
    'delivers each event once and in order through %s, and closes no EventSource',
    async (_name, program) => {
      site = await Site.open({ adapter, redis: redis.url, libraries, program });
      await play(site);
      const states = await site.states();
      const reports = states.map(([name, { seen, readyState }]) => {
        const ticks = seen.filter(({ type }) => type === 'tick').map(({ data }) => data);
        const others = seen.filter(({ type }) => type !== 'tick' && type !== 'error').map(({ type }) => type);
        return `${name}: ${readyState}, ${compare(site!.published, ticks).report()}${others.join()}`;
      });
      expect(reports).toEqual(states.map(([name]) => `${name}: open, whole: expected 25, received 25`));
    },
  );
});

it('closes EventSources for good through a plain nginx while both processes are away (negative control)', async () => {
  site = await Site.open({
    adapter: 'express',
    redis: redis.url,
    libraries,
    program: NGINX,
    plain: PLAIN_NGINX,
  });
  await site.publish(5);
  await site.received();
  await Promise.all([site.end(0, 'SIGKILL'), site.end(1, 'SIGKILL')]);
  const stopping = ['eventsource 3', 'eventsource 4', 'undici', 'event-source-polyfill'];
  await site.all('clients have given up', ({ readyState }) => readyState !== 'open');
  let closed: string[] = [];
  for (let i = 0; i < 100 && closed.length < stopping.length; i++) {
    const states = await site.states();
    closed = states.filter(([, { readyState }]) => readyState === 'closed').map(([name]) => name);
    await wait(100);
  }
  expect(closed.sort()).toEqual(stopping.sort());
});
