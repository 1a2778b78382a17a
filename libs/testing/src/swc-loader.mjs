// Module hooks that run the repository's TypeScript from source. Node's own type stripping and esbuild emit no decorator
// metadata, and without it Nest cannot inject. The options are the ones of jest.config.ts, so that a class behaves
// the same in a test and in a child process.
import { transformSync } from '@swc/core';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = new URL('../../../', import.meta.url);

/** Packages of this repository, which run from source here. */
const sources = new Map([
  ['nestjs-sse-redis', new URL('packages/nestjs-sse-redis/src/', root)],
  ['@nestjs-sse-redis/testing', new URL('libs/testing/src/', root)],
]);

export function resolve(specifier, context, nextResolve) {
  const source = sourceOf(specifier, context.parentURL);
  return source
    ? { url: source.href, format: 'module', shortCircuit: true }
    : nextResolve(specifier, context);
}

export function load(url, context, nextLoad) {
  if (!/^file:.*\.ts$/.test(url)) return nextLoad(url, context);
  return { format: 'module', source: compile(fileURLToPath(url)), shortCircuit: true };
}

function sourceOf(specifier, parentUrl) {
  if (/^\.{1,2}\//.test(specifier)) return sourceOfRelative(specifier, parentUrl);

  for (const [name, folder] of sources) {
    if (specifier === name) return new URL('index.ts', folder);
    if (specifier.startsWith(`${name}/`)) {
      const entry = specifier.slice(name.length + 1);
      return firstThatExists(new URL(`${entry}/index.ts`, folder), new URL(`${entry}.ts`, folder));
    }
  }
  return undefined;
}

/** TypeScript's nodenext writes `./thing.js` for what is `thing.ts` until it is compiled. */
function sourceOfRelative(specifier, parentUrl) {
  if (!parentUrl?.endsWith('.ts') || !specifier.endsWith('.js')) return undefined;
  return firstThatExists(new URL(specifier.replace(/\.js$/, '.ts'), parentUrl));
}

function firstThatExists(...urls) {
  return urls.find((url) => existsSync(url));
}

/** Tests start processes by the dozen, all from the same files: each version of a file is compiled once. */
const cache = join(tmpdir(), `swc-cache-${process.getuid?.() ?? 'user'}`);
mkdirSync(cache, { recursive: true, mode: 0o700 });
const ownSource = readFileSync(fileURLToPath(import.meta.url));

function compile(filename) {
  const source = readFileSync(filename);
  const hash = createHash('sha1').update(ownSource).update(filename).update(source).digest('hex');
  const cached = join(cache, `${hash}.mjs`);
  if (existsSync(cached)) return readFileSync(cached, 'utf8');
  const code = transform(filename, source.toString());
  // In one step: another process may be reading it.
  const draft = `${cached}.${process.pid}`;
  writeFileSync(draft, code);
  renameSync(draft, cached);
  return code;
}

function transform(filename, source) {
  const { code } = transformSync(source, {
    filename,
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
  return code;
}
