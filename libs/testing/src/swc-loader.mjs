// Module hooks that run the repository's TypeScript from source. Node's own type stripping and esbuild emit no decorator
// metadata, and without it Nest cannot inject. The options are the ones of jest.config.ts, so that a class behaves
// the same in a test and in a child process.
import { transformSync } from '@swc/core';
import { existsSync, readFileSync } from 'node:fs';
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

function compile(filename) {
  const { code } = transformSync(readFileSync(filename, 'utf8'), {
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
