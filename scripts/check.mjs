// `npm run check`: everything that can be said about the code without running it. A line per step, output only where one fails.
import { join } from 'node:path';
import { bin, main, root, run } from './run.mjs';
import { ensureDependencies } from './setup.mjs';

const library = join(root, 'packages/nestjs-sse-redis');
const client = join(root, 'packages/client');

/** What the others look at: the linter, too, finds the types of some of the packages in their builds. */
const builds = [
  [{ name: 'build', command: [process.execPath, 'build.mjs'], cwd: library }],
  [{ name: 'build of the client', command: [process.execPath, 'build.mjs'], cwd: client }],
];
/** The longest first. Those of a package one after the other: packing it makes copies in its folder, and removes them. */
const steps = [
  // With the compiler's own errors, from the same program: tsc would take twice as long for them.
  [{ name: 'lint and types', command: ['oxlint', '--type-aware', '--type-check', '--deny-warnings'] }],
  [
    {
      name: 'package types',
      // Every way of resolution, also `module: commonjs` (node10) for subpaths. CommonJS gets ES modules: docs/decisions/004. Scripts have no types.
      command: [
        ...['attw', '--pack', '--profile', 'strict', '--ignore-rules', 'cjs-resolves-to-esm'],
        ...['--exclude-entrypoints', 'publish-event.lua', 'publish-event.cluster.lua'],
      ],
      cwd: library,
    },
    { name: 'publint', command: ['publint', '--strict'], cwd: library },
  ],
  [
    {
      name: 'types of the client',
      // Pages are bundled: there is no CommonJS version.
      command: ['attw', '--pack', '--profile', 'esm-only'],
      cwd: client,
    },
    { name: 'size of the client', command: [process.execPath, 'size.mjs'], cwd: client },
    { name: 'publint of the client', command: ['publint', '--strict'], cwd: client },
  ],
  [
    {
      name: 'dependencies',
      command: ['depcruise', '--config', '.dependency-cruiser.cjs', 'packages', 'apps', 'libs'],
    },
  ],
  [{ name: 'format', command: ['oxfmt', '--list-different', '.'] }],
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

async function checkInTurn(steps) {
  const results = [];
  for (const step of steps) results.push(await check(step));
  return results.every(Boolean);
}

/** Two at a time: the linter with its type checker fills both cores. */
async function checkAll(lists) {
  const queue = [...lists];
  const results = [];
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) results.push(await checkInTurn(next));
  };
  await Promise.all([worker(), worker()]);
  return results.every(Boolean);
}

await main(import.meta, async () => {
  await ensureDependencies();
  if (!(await checkAll(builds)) || !(await checkAll(steps))) process.exitCode = 1;
});
