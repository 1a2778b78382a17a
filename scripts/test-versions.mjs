// `npm run test:versions -- [--node 20 …] [--redis PATH …] [-- what Jest is to run]`: `npm test` on each Node, then on each
// server binary. Without arguments on the Node versions that the README names. CI runs it with the Node that it has not.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { main, run, SetupError } from './run.mjs';
import { endAllOnSignals, runSuite } from './suite.mjs';

const NODES = ['20', '22', '24', '26'];

const USAGE = 'npm run test:versions -- [--node 24] [--redis /path/to/redis-server] [-- what Jest is to run]';

/** A Node by its version: the npm package `node` has the binaries. */
async function installNode(version, folder) {
  const args = ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', `node@${version}`];
  const { ok, output } = await run('npm', args, { quiet: true });
  if (!ok) throw new SetupError(`npm could not install node@${version}: ${output.trim()}`);
  return join(folder, 'node_modules', 'node', 'bin', 'node');
}

async function versionOf(binary) {
  const { ok, output } = await run(binary, ['--version'], { quiet: true });
  if (!ok) throw new SetupError(`"${binary} --version" failed: ${output.trim()}`);
  return output.trim();
}

function readArguments() {
  const options = { node: { type: 'string', multiple: true }, redis: { type: 'string', multiple: true } };
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const { redis = [], node = redis.length > 0 ? [] : NODES } = values;
    return { redis, node, args: positionals };
  } catch (error) {
    throw new SetupError(`${error.message}\n${USAGE}`);
  }
}

await main(import.meta, async () => {
  const { node, redis, args } = readArguments();
  endAllOnSignals();
  const folder = mkdtempSync(join(tmpdir(), 'test-versions-'));
  const suites = [];
  for (const version of node) {
    const binary = await installNode(version, join(folder, `node-${version}`));
    // What a test starts by the name of `node` is to be the same.
    const PATH = `${dirname(binary)}${delimiter}${process.env.PATH}`;
    suites.push({ name: `Node ${await versionOf(binary)}`, node: binary, env: { PATH } });
  }
  for (const binary of redis) {
    suites.push({ name: await versionOf(binary), env: { REDIS_SERVER: binary } });
  }
  const results = [];
  for (const [i, { name, ...suite }] of suites.entries()) {
    results.push(await runSuite(name, join(folder, `run-${i + 1}`), { ...suite, args }));
  }
  const green = results.filter(({ isGreen }) => isGreen).length;
  const sum = (of) => results.reduce((total, result) => total + result[of], 0);
  if (process.env.TEST_SUMMARY) {
    writeFileSync(process.env.TEST_SUMMARY, `${sum('passed')} passed, ${sum('failed')} failed\n`);
  }
  console.log(`${green} of ${suites.length} runs are green.`);
  if (green < suites.length) process.exitCode = 1;
  else rmSync(folder, { recursive: true, force: true });
});
