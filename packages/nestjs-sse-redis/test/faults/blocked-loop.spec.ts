import { until } from '@nestjs-sse-redis/testing';
import { Deployment, FAST } from './deployment.js';

const BLOCKED_MS = 2_500;
const LATE_MS = 500;

let deployment: Deployment;

beforeAll(async () => {
  deployment = await Deployment.start({ nodes: 1 });
});
afterAll(() => deployment.stop(), 30_000);

it('leaves out of the time of a publish how long the event loop was blocked by order', async () => {
  const [node] = deployment.nodes;
  const publish = () => node!.request({ kind: 'publish', events: [{ channel: 'a', data: 1 }] });
  expect((await publish()).published).toMatchObject([{ id: expect.any(String) as string }]);
  // Longer than it takes to be rejected, on a busy machine too.
  await deployment.admin('CLIENT', 'PAUSE', 60_000, 'WRITE');
  const began = performance.now();
  const publishing = publish();
  // Redis has it, and holds it back: flag `b` of CLIENT LIST.
  await until(async () => / flags=\w*b/.test(String(await deployment.admin('CLIENT', 'LIST'))));
  const blocking = node!.request({ kind: 'block', ms: BLOCKED_MS });
  const { published, ms } = await publishing;
  const onTheClock = performance.now() - began;
  await blocking;
  await deployment.admin('CLIENT', 'UNPAUSE');

  expect(published).toMatchObject([{ code: 'PUBLISH_OUTCOME_UNKNOWN' }]);
  expect(ms).toBeLessThan(FAST.publishTimeout! + LATE_MS);
  // The negative control: with the time of the block it would have been too late.
  expect(onTheClock).toBeGreaterThan(BLOCKED_MS);
  expect(BLOCKED_MS).toBeGreaterThan(FAST.publishTimeout! + LATE_MS);
});
