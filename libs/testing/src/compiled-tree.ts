import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** Within the repository, so that its dependencies are found from there. */
const cache = join(root, 'node_modules/.cache/app-processes');

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
    exports: { '.': './src/index.js', './child': './src/child.js' },
  },
];
/** Makes modules of Lua scripts, as for the build of the package. */
const LUA_MODULES = join(root, 'packages/nestjs-sse-redis/lua.mjs');
const KEPT_MS = 24 * 3_600_000;

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
    const folder = join(cache, hash.digest('hex'));
    if (!existsSync(folder)) {
      mkdirSync(cache, { recursive: true });
      forgetOld();
      const draft = `${folder}.${process.pid}`;
      rmSync(draft, { recursive: true, force: true });
      await compile(files, draft);
      try {
        // In one step: another process may be doing the same, and may have been first.
        renameSync(draft, folder);
      } catch (error) {
        rmSync(draft, { recursive: true, force: true });
        if (!existsSync(folder)) throw error;
      }
    }
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
  }
  for (const { name, folder: own, exports } of PACKAGES) {
    writeFileSync(join(folder, own, 'package.json'), JSON.stringify({ name, type: 'module', exports }));
    const link = join(folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(relative(dirname(link), join(folder, own)), link);
  }
}

/** Of sources as they were. */
function forgetOld(): void {
  for (const name of readdirSync(cache)) {
    const folder = join(cache, name);
    // Another process may be doing the same.
    const age = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > KEPT_MS) rmSync(folder, { recursive: true, force: true });
  }
}
