// Runs the whole suite as a child, and reads from its results what was red.
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.mjs';

/** What a shell says of a process that a signal ended: 128 and its number. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

const NO_TEST = '0 passed, 1 failed';

const children = new Set();

/** Starts a process that this one ends, with all that it started: it leads a process group of its own. */
export function start(command, args, options) {
  const child = spawn(command, args, { cwd: root, stdio: 'ignore', detached: true, ...options });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** Ends all that was started, also where a signal ends this process. */
export function endAll() {
  for (const { pid } of children) if (pid !== undefined) process.kill(-pid);
}

export function endAllOnSignals() {
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.once(signal, () => {
      endAll();
      process.exit(code);
    });
  }
}

/**
 * Runs `npm test` once with a Node and an environment, keeps its results in the folder, and shows a line and the failed tests.
 * Gives how many tests passed and failed, and whether the run is green.
 */
export async function runSuite(name, folder, { node = process.execPath, env = {}, args = [] } = {}) {
  mkdirSync(folder);
  const [result, summary, output] = ['result.json', 'summary', 'log'].map((file) => join(folder, file));
  const log = openSync(output, 'w');
  const started = performance.now();
  const code = await ended(
    start(node, ['scripts/test.mjs', ...args], {
      env: { ...process.env, ...env, TEST_SUMMARY: summary, TEST_RESULT: result },
      stdio: ['ignore', log, log],
    }),
  );
  closeSync(log);
  const minutes = ((performance.now() - started) / 60_000).toFixed(1);
  const line = read(summary)?.trim();
  console.log(`${name}: ${line ?? 'no test was run'}, ${minutes} min`);
  const [passed, failed] = (line ?? NO_TEST).match(/\d+/g).map(Number);
  if (code === 0) return { isGreen: true, passed, failed };
  // CI's machine is gone with its files: the log must be in what CI printed.
  if (process.env.CI) console.log(read(output));
  for (const failed of [...failedTests(read(result)), ...failedSteps(read(output))])
    console.log(`  ✗ ${failed}`);
  console.log(`  ${output}`);
  return { isGreen: false, passed, failed };
}

function ended(child) {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
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
