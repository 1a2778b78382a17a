import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findRedisBinary } from '@nestjs-sse-redis/testing';
import type { Section } from '../src/report/summary.js';
import { DELIVERING } from '../src/workloads/peer-groups.js';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

// Every event that it counts is verified, and a run in which one is missing fails.
test('a tiny run, in which every peer delivers', async () => {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: run "npm run build" before the tests`);
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    const json = join(folder, 'counters.json');
    const pictures = join(folder, 'not', 'there', 'yet');
    const args = ['--smoke', '--only', 'broadcast to 5 clients', '--json', json, '--pictures', pictures];
    const env = { ...process.env, REDIS_SERVER: findRedisBinary(), NODE_OPTIONS: '' };
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...args], { env });
    expect(stdout).toContain('steady broadcast, 256 B');

    const { sections } = JSON.parse(readFileSync(json, 'utf8')) as { sections: Section[] };
    const steady = sections.find(({ workload, figure }) => workload === 'steady-256' && figure === 'cpu');
    expect(steady?.rows.map(({ peer }) => peer)).toEqual(DELIVERING);
    expect(readFileSync(join(pictures, 'bench.svg'), 'utf8')).toContain('@fastify/sse');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
