import { Stopwatch, until } from '@nestjs-sse-redis/testing';
import { setTimeout as pause } from 'node:timers/promises';

const standStill = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

it('counts what is waited for, and not that the process stood still', async () => {
  const watch = Stopwatch.start();
  const started = performance.now();
  await pause(200);
  standStill(500);
  await pause(100);
  const elapsed = watch.stop();
  expect(elapsed).toBeGreaterThan(150);
  expect(elapsed).toBeLessThan(performance.now() - started - 400);
  expect(watch.longestStandstill).toBeGreaterThan(400);
});

it('counts what kept the process busy', () => {
  const watch = Stopwatch.start();
  const end = performance.now() + 300;
  while (performance.now() < end);
  expect(watch.stop()).toBeGreaterThan(150);
});

it('counts on while others measure, and nothing more once it has stopped', async () => {
  const first = Stopwatch.start();
  const second = Stopwatch.start();
  await until(() => first.elapsed > 50);
  second.stop();
  const { elapsed } = first;
  await until(() => first.elapsed > elapsed + 50);
});
