// Builds the library and its client, then the demo and the bench, which import the library's build by its package name.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bin, main, root, run, SetupError } from './run.mjs';
import { ensureDependencies } from './setup.mjs';

const library = {
  name: 'library',
  sources: [
    'packages/nestjs-sse-redis/src',
    'packages/nestjs-sse-redis/package.json',
    'packages/nestjs-sse-redis/tsconfig.build.json',
    'packages/nestjs-sse-redis/build.mjs',
    'packages/nestjs-sse-redis/lua.mjs',
    'tsconfig.base.json',
  ],
  result: 'packages/nestjs-sse-redis/dist/index.js',
  build: () => run(process.execPath, ['build.mjs'], { cwd: join(root, 'packages/nestjs-sse-redis') }),
};

const client = {
  name: 'client',
  sources: [
    'packages/client/src',
    'packages/client/package.json',
    'packages/client/tsconfig.build.json',
    'packages/client/build.mjs',
    'tsconfig.base.json',
  ],
  result: 'packages/client/dist/index.js',
  build: () => run(process.execPath, ['build.mjs'], { cwd: join(root, 'packages/client') }),
};

const demo = {
  name: 'demo',
  sources: [
    'apps/demo/src',
    'apps/demo/tsconfig.app.json',
    'nest-cli.json',
    'tsconfig.base.json',
    library.result,
  ],
  result: 'dist/apps/demo/main.js',
  build: () => run(bin('nest'), ['build', 'demo']),
};

const bench = {
  name: 'bench',
  sources: ['apps/bench/src', 'apps/bench/tsconfig.app.json', 'tsconfig.base.json', library.result],
  result: 'apps/bench/dist/main.js',
  build: () => run(bin('tsc'), ['-p', 'apps/bench/tsconfig.app.json']),
};

export const buildLibrary = () => build(library);

export async function buildAll() {
  await build(library);
  await build(client);
  await build(demo);
  await build(bench);
}

/** Builds only what is missing or older than its sources. */
export async function ensureBuilt() {
  for (const part of [library, client, demo, bench]) {
    if (newest(part.sources) >= newest([part.result])) await build(part);
  }
}

async function build(part) {
  console.log(`Building the ${part.name} …`);
  const { ok } = await part.build();
  if (!ok) throw new SetupError(`The ${part.name} could not be built, see above.`);
}

/** The latest change in files and folders; a folder changes when something in it is added or removed. */
function newest(paths) {
  const times = paths.map((path) => {
    const stat = statSync(join(root, path), { throwIfNoEntry: false });
    if (!stat?.isDirectory()) return stat?.mtimeMs ?? 0;
    return Math.max(stat.mtimeMs, newest(readdirSync(join(root, path)).map((name) => join(path, name))));
  });
  return Math.max(0, ...times);
}

await main(import.meta, async () => {
  await ensureDependencies();
  await (process.argv.includes('--if-stale') ? ensureBuilt() : buildAll());
});
