// `npm run check`: everything that can be said about the code without running it. A line per step, output only where one fails.
import { join } from 'node:path';
import { bin, main, root, run } from './run.mjs';
import { ensureDependencies } from './setup.mjs';

const library = join(root, 'packages/nestjs-sse-redis');
const steps = [
  { name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'types', command: ['tsc', '-p', 'tsconfig.json'] },
  { name: 'format', command: ['prettier', '--check', '--log-level', 'warn', '.'] },
  {
    name: 'dependencies',
    command: ['depcruise', '--config', '.dependency-cruiser.cjs', 'packages', 'apps', 'libs'],
  },
];
// One after the other: what is checked is the package that the build made.
const packageSteps = [
  { name: 'build', command: [process.execPath, 'build.mjs'], cwd: library },
  { name: 'publint', command: ['publint', '--strict'], cwd: library },
  {
    name: 'package types',
    // Every way of resolution, also `module: commonjs` (node10) for subpaths. CommonJS gets ES modules: docs/decisions/004. Scripts have no types.
    command: [
      ...['attw', '--pack', '--profile', 'strict', '--ignore-rules', 'cjs-resolves-to-esm'],
      ...['--exclude-entrypoints', 'publish-event.lua', 'publish-event.cluster.lua'],
    ],
    cwd: library,
  },
];

const client = join(root, 'packages/client');
const clientSteps = [
  { name: 'build of the client', command: [process.execPath, 'build.mjs'], cwd: client },
  { name: 'size of the client', command: [process.execPath, 'size.mjs'], cwd: client },
  { name: 'publint of the client', command: ['publint', '--strict'], cwd: client },
  {
    name: 'types of the client',
    // Pages are bundled: there is no CommonJS version.
    command: ['attw', '--pack', '--profile', 'esm-only'],
    cwd: client,
  },
];

async function check({ name, command: [program, ...args], cwd = root }) {
  const started = performance.now();
  const { ok, output } = await run(program === process.execPath ? program : bin(program), args, {
    cwd,
    quiet: true,
  });
  console.log(`${ok ? '✓' : '✗'} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  if (!ok) console.log(output.trimEnd());
  return ok;
}

async function checkPackage(steps) {
  for (const step of steps) if (!(await check(step))) return false;
  return true;
}

/** Two at a time: tsc, and the linter with its type checker, each fill a core. */
async function checkAll() {
  const packages = [packageSteps, clientSteps].map((steps) => () => checkPackage(steps));
  const queue = [...packages, ...steps.map((step) => () => check(step))];
  const results = [];
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) results.push(await next());
  };
  await Promise.all([worker(), worker()]);
  return results.every(Boolean);
}

await main(import.meta, async () => {
  await ensureDependencies();
  if (!(await checkAll())) process.exitCode = 1;
});
