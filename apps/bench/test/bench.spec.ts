import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findRedisBinary } from '@nestjs-sse-redis/testing';
import type { Section } from '../src/report/summary.js';
import { DELIVERING, SUBSCRIBING } from '../src/workloads/peer-groups.js';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'bench-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the smallest bench, and returns what it printed and measured. */
async function runBench(...args: string[]): Promise<{ stdout: string; sections: Section[] }> {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: run "npm run build" before the tests`);
  const json = join(folder, 'counters.json');
  const env = { ...process.env, REDIS_SERVER: findRedisBinary(), NODE_OPTIONS: '' };
  const all = [MAIN, '--smoke', '--json', json, ...args];
  const { stdout } = await promisify(execFile)(process.execPath, all, { env });
  const { sections } = JSON.parse(readFileSync(json, 'utf8')) as { sections: Section[] };
  return { stdout, sections };
}

// Every event that it counts is verified, and a run in which one is missing fails.
test('a tiny run, in which every peer delivers', async () => {
  const pictures = join(folder, 'not', 'there', 'yet');
  const { stdout, sections } = await runBench('--only', 'broadcast to 5 clients', '--pictures', pictures);
  expect(stdout).toContain('steady broadcast, 256 B');

  const steady = sections.find(({ workload, figure }) => workload === 'steady-256' && figure === 'cpu');
  expect(steady?.rows.map(({ peer }) => peer)).toEqual(DELIVERING);
  expect(readFileSync(join(pictures, 'bench.svg'), 'utf8')).toContain('@fastify/sse');
});

// A client that is refused, or whose stream is closed again, makes the run fail.
test('a tiny run opens streams, and all clients of a killed process come back to another one', async () => {
  const { stdout, sections } = await runBench('--only', 'streams are opened');
  expect(stdout).toContain('all clients of a killed process come back: until all are there');

  for (const workload of ['connecting', 'storm']) {
    for (const figure of ['open', 'open-redis', 'seconds']) {
      const section = sections.find((one) => one.workload === workload && one.figure === figure);
      expect(section?.rows.map(({ peer }) => peer)).toEqual(SUBSCRIBING);
      for (const { median } of section!.rows) expect(median).toBeGreaterThan(0);
    }
  }
});

test('a tiny run says what idle streams cost', async () => {
  const peers = ['hub-fastify', 'fastify-sse'];
  const { sections } = await runBench('--only', 'idle streams', '--peers', peers.join(','));
  for (const figure of ['minute', 'minute-redis']) {
    const section = sections.find((one) => one.workload === 'idle-cpu' && one.figure === figure);
    expect(section?.rows.map(({ peer }) => peer)).toEqual(peers);
    for (const { median } of section!.rows) expect(median).toBeGreaterThan(0);
  }
});
