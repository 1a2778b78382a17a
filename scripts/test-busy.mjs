// `npm run test:busy -- [runs] [what Jest is to run]`: `npm test` several times (default: 10) on a machine whose two cores are
// taken. A test that is green on an idle machine alone is badly written. A line per run, and the failed tests by name.
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main, root, SetupError } from './run.mjs';

const BUSY_LOOPS = 2;
const RUNS = 10;
/** What a shell says of a process that a signal ended: 128 and its number. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

const children = new Set();

/** Starts a process that this one ends, with all that it started: it leads a process group of its own. */
function start(args, options) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'ignore', detached: true, ...options });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** Computes until it is ended, and no longer than this process lives: it looks for its parent once a second. */
const BUSY_LOOP = `
  const parent = process.ppid;
  for (let next = Date.now() + 1_000; process.ppid === parent; next += 1_000) while (Date.now() < next);
`;

function ended(child) {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
}

/** Runs `npm test` once, and keeps its results in the folder. */
async function test(folder, args) {
  mkdirSync(folder);
  const [result, summary] = [join(folder, 'result.json'), join(folder, 'summary')];
  const env = { ...process.env, TEST_SUMMARY: summary, TEST_RESULT: result };
  const log = openSync(join(folder, 'log'), 'w');
  const started = performance.now();
  const code = await ended(start(['scripts/test.mjs', ...args], { env, stdio: ['ignore', log, log] }));
  closeSync(log);
  return {
    green: code === 0,
    minutes: (performance.now() - started) / 60_000,
    counts: read(summary)?.trim() ?? 'no test was run',
    failed: [...failedTests(read(result)), ...failedSteps(read(join(folder, 'log')))],
  };
}

/** The names of failed tests in Jest's JSON, and the files that could not be run. */
function failedTests(json) {
  if (!json) return [];
  return JSON.parse(json).testResults.flatMap(({ name, status, assertionResults, message }) => {
    const file = name.replace(root, '');
    const failed = assertionResults.filter(({ status }) => status === 'failed');
    if (failed.length === 0 && status === 'failed') return [`${file}: ${message.split('\n')[0]}`];
    return failed.map(({ fullName }) => `${file}: ${fullName}`);
  });
}

/** What failed in `npm test` besides its tests. */
function failedSteps(log) {
  return log?.match(/^Failed apart from tests: .*/m) ?? [];
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function endAll() {
  for (const { pid } of children) if (pid !== undefined) process.kill(-pid);
}

await main(import.meta, async () => {
  const [count = RUNS, ...args] = process.argv.slice(2);
  const runs = Number(count);
  if (!Number.isInteger(runs) || runs < 1) throw new SetupError('How many runs? npm run test:busy -- 10');
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.once(signal, () => {
      endAll();
      process.exit(code);
    });
  }
  const folder = mkdtempSync(join(tmpdir(), 'test-busy-'));
  for (let i = 0; i < BUSY_LOOPS; i++) start(['-e', BUSY_LOOP]);
  let red = 0;
  try {
    for (let i = 1; i <= runs; i++) {
      const results = join(folder, `run-${i}`);
      const { green, minutes, counts, failed } = await test(results, args);
      console.log(`run ${i}: ${counts}, ${minutes.toFixed(1)} min`);
      if (green) continue;
      red++;
      for (const name of failed) console.log(`  ✗ ${name}`);
      console.log(`  ${join(results, 'log')}`);
    }
  } finally {
    endAll();
    if (red === 0) rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${runs - red} of ${runs} runs are green, with ${BUSY_LOOPS} busy loops beside them.`);
  if (red > 0) process.exitCode = 1;
});
