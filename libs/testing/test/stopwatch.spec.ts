import { Stopwatch, threadTime, until } from '@nestjs-sse-redis/testing';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

const STANDSTILL_MS = 500;

const standStill = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

const processTime = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/**
 * A standstill of this thread, between two waits.
 *
 * @param isOver asked after it, and every 50 ms it is longer until it is
 */
async function watchStandstill(
  isOver = () => true,
): Promise<{ watch: Stopwatch; elapsed: number; total: number }> {
  const watch = Stopwatch.start();
  const started = performance.now();
  await pause(200);
  standStill(STANDSTILL_MS);
  while (!isOver()) standStill(50);
  await pause(100);
  const elapsed = watch.stop();
  return { watch, elapsed, total: performance.now() - started };
}

/** A thread that computes until it is ended. */
async function startBusyThread(): Promise<Worker> {
  const worker = new Worker('for (;;);', { eval: true });
  await once(worker, 'online');
  return worker;
}

it('counts what is waited for, and not that the thread stood still', async () => {
  const { watch, elapsed, total } = await watchStandstill();
  expect(elapsed).toBeGreaterThan(150);
  expect(elapsed).toBeLessThan(total - 400);
  expect(watch.longestStandstill).toBeGreaterThan(400);
});

it('counts no standstill as work while another thread of the process computes', async () => {
  const worker = await startBusyThread();
  try {
    // So much of the other thread's work would have hidden the standstill. It may take a while on a busy machine.
    const enough = processTime() + 400;
    const { watch, elapsed, total } = await watchStandstill(() => processTime() > enough);
    expect(elapsed).toBeLessThan(total - 400);
    expect(watch.longestStandstill).toBeGreaterThan(400);
  } finally {
    await worker.terminate();
  }
});

it('counts what kept the thread busy', () => {
  const watch = Stopwatch.start();
  // By processor time: on a busy machine little of the time on the clock is this thread's.
  const end = threadTime() + 300;
  while (threadTime() < end);
  expect(watch.stop()).toBeGreaterThan(250);
});

it('counts on while others measure, and nothing more once it has stopped', async () => {
  const first = Stopwatch.start();
  const second = Stopwatch.start();
  await until(() => first.elapsed > 50);
  second.stop();
  const stopped = second.elapsed;
  const { elapsed } = first;
  await until(() => first.elapsed > elapsed + 50);
  expect(second.elapsed).toBe(stopped);
});
