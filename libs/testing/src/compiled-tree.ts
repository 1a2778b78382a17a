import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';
import { BUNDLE, linkBundledPackages } from './bundled-packages.js';
import { madeOnce } from './made-once.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** What processes of tests are made of. */
const FOLDERS = [
  'packages/nestjs-sse-redis/src',
  'packages/nestjs-sse-redis/test',
  'packages/client/src',
  'packages/client/test',
  'libs/testing/src',
  'libs/testing/test',
];
/** How they import one another, other than by relative paths. */
const PACKAGES = [
  { name: 'nestjs-sse-redis', folder: 'packages/nestjs-sse-redis', exports: { '.': './src/index.js' } },
  { name: 'nestjs-sse-redis-client', folder: 'packages/client', exports: { '.': './src/index.js' } },
  {
    name: '@nestjs-sse-redis/testing',
    folder: 'libs/testing',
    exports: {
      '.': './src/index.js',
      './child': './src/child.js',
      './serve-app': './src/serve-app.js',
    },
  },
];
/** Makes modules of Lua scripts, as for the build of the package. */
const LUA_MODULES = join(root, 'packages/nestjs-sse-redis/lua.mjs');
/** What processes are started with: programs, and what they import before them. */
const PROGRAM = /\.process\.ts$|\/twins\/|\/no-[^/]+\.ts$/;

/**
 * The repository's TypeScript as JavaScript, for processes that tests start: by the dozen, each with hundreds of modules.
 * Compiled once for each state of the sources. Module hooks, which would compile as modules are loaded, take half a
 * second of each process: Node resolves and loads every module through another thread as soon as there is one.
 */
export class CompiledTree {
  private static tree: Promise<CompiledTree> | undefined;

  static get(): Promise<CompiledTree> {
    return (this.tree ??= this.make());
  }

  private static async make(): Promise<CompiledTree> {
    const files = FOLDERS.flatMap(filesOf);
    const hash = createHash('sha1').update(readFileSync(fileURLToPath(import.meta.url)));
    hash.update(readFileSync(join(root, 'node_modules/@swc/core/package.json')));
    hash.update(readFileSync(LUA_MODULES));
    for (const file of files) hash.update(file).update(readFileSync(join(root, file)));
    const folder = await madeOnce('app-processes', hash.digest('hex'), (draft) => compile(files, draft));
    return new CompiledTree(folder);
  }

  private constructor(private readonly folder: string) {}

  /** Where a file is in it; one that is none of its sources stays where it is. */
  pathOf(file: string): string {
    const path = relative(root, file);
    const compiled = join(this.folder, path.replace(/\.ts$/, '.js'));
    return file.endsWith('.ts') && existsSync(compiled) ? compiled : file;
  }
}

function filesOf(folder: string): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && /\.(ts|lua)$/.test(entry.name) && !entry.name.endsWith('.spec.ts'))
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

async function compile(files: readonly string[], folder: string): Promise<void> {
  const { transformSync } = await import('@swc/core');
  const lua = (await import(LUA_MODULES)) as {
    isScript: (path: string) => boolean;
    toModule: (path: string) => string;
  };
  const imported = new Set<string>();
  for (const file of files) {
    const [source, target] = [join(root, file), join(folder, file)];
    mkdirSync(dirname(target), { recursive: true });
    if (file.endsWith('.lua')) {
      if (lua.isScript(source)) writeFileSync(`${target}.js`, lua.toModule(source));
      continue;
    }
    // The options are the ones of jest.config.ts, so that a class behaves the same in a test and in a child process. Node's
    // own type stripping and esbuild emit no decorator metadata, and without it Nest cannot inject.
    const { code } = transformSync(readFileSync(source, 'utf8'), {
      filename: source,
      configFile: false,
      swcrc: false,
      sourceMaps: 'inline',
      module: { type: 'es6' },
      jsc: {
        target: 'es2023',
        keepClassNames: true,
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
      },
    });
    writeFileSync(target.replace(/\.ts$/, '.js'), code);
    for (const [, specifier] of code.matchAll(/(?:from|import\()\s*['"]([^'"]+)['"]/g))
      imported.add(specifier!);
  }
  await linkBundledPackages(imported, folder);
  linkOwnPackages(folder);
  await bundlePrograms(files, folder);
}

function linkOwnPackages(folder: string): void {
  for (const { name, folder: own, exports } of PACKAGES) {
    writeFileSync(join(folder, own, 'package.json'), JSON.stringify({ name, type: 'module', exports }));
    const link = join(folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(relative(dirname(link), join(folder, own)), link);
  }
}

/**
 * In place, each program as one file, and what several have in common as another one, so that what `--import` brings before a
 * program changes the classes of that program.
 */
async function bundlePrograms(files: readonly string[], folder: string): Promise<void> {
  const { build } = await import('esbuild');
  const programs = files.filter((file) => PROGRAM.test(file));
  await build({
    entryPoints: programs.map((file) => join(folder, file.replace(/\.ts$/, '.js'))),
    outdir: folder,
    outbase: folder,
    allowOverwrite: true,
    ...BUNDLE,
    sourcemap: 'linked',
    plugins: [onlyOwnPackages],
  });
}

const onlyOwnPackages: Plugin = {
  name: 'only-own-packages',
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, ({ path }) => {
      const isOwn = PACKAGES.some(({ name }) => path === name || path.startsWith(`${name}/`));
      return isOwn ? undefined : { path, external: true };
    });
  },
};
