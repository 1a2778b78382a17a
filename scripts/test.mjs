// `npm test`: sets everything up, then the checks, the build and the tests. Each runs even if one before it failed, and
// what cannot be had is a failure, never a reason to skip. Arguments go to Jest: `npm test -- hub`.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt } from './build.mjs';
import { bin, main, run, SetupError } from './run.mjs';
import { writeGroups } from './test-groups.mjs';
import { ensureChromium, ensureDependencies, ensureFirefox, ensureRedis } from './setup.mjs';

const failures = [];

/** Takes one step of the preparation; notes its failure and goes on. */
async function attempt(name, step) {
  try {
    return await step();
  } catch (error) {
    console.error(error instanceof SetupError ? error.message : error);
    failures.push(name);
    return undefined;
  }
}

async function check() {
  const { ok } = await run(process.execPath, ['scripts/check.mjs']);
  if (!ok) throw new SetupError('npm run check failed, see above.');
}

async function jest(env) {
  const folder = mkdtempSync(join(tmpdir(), 'jest-'));
  const file = join(folder, 'result.json');
  try {
    const chosen = process.argv.slice(2);
    // What is chosen by its path is run by its path.
    const groups = chosen.length > 0 ? {} : { TEST_GROUPS: writeGroups() };
    const args = ['--json', `--outputFile=${file}`, ...chosen];
    const { ok } = await run(bin('jest'), args, { env: { ...env, ...groups, NODE_OPTIONS: nodeOptions() } });
    const json = readFileSync(file, 'utf8');
    if (process.env.TEST_RESULT) writeFileSync(process.env.TEST_RESULT, json);
    return { ok, ...JSON.parse(json) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const nodeOptions = () => `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules`.trim();

await main(import.meta, async () => {
  await ensureDependencies();
  const env = {};
  const redis = await attempt('Redis', ensureRedis);
  if (redis) env.REDIS_SERVER = redis;
  const chromium = await attempt('Chromium', ensureChromium);
  if (chromium) env.CHROMIUM = chromium;
  const firefox = await attempt('Firefox', ensureFirefox);
  if (firefox) env.FIREFOX = firefox;
  await attempt('check', check);
  await attempt('build', ensureBuilt);
  const result = await attempt('jest', () => jest(env));

  const failedTests = (result?.numFailedTests ?? 0) + (result?.numRuntimeErrorTestSuites ?? 0);
  if (result && !result.ok && failedTests === 0) failures.push('jest'); // no tests at all, a failed global set-up …
  if (failures.length > 0) console.error(`\nFailed apart from tests: ${failures.join(', ')}`);
  const failed = failedTests + failures.length;
  if (process.env.TEST_SUMMARY) {
    writeFileSync(process.env.TEST_SUMMARY, `${result?.numPassedTests ?? 0} passed, ${failed} failed\n`);
  }
  if (failed > 0) process.exitCode = 1;
});
