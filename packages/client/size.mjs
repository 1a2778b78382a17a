// The size of the client as a page loads it: its build, bundled and minified with eventsource-parser in it, and gzipped.
import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

/** Bytes of the core: what a page loads before it does anything. */
const LIMIT = 6_144;

const here = fileURLToPath(new URL('.', import.meta.url));
const { outputFiles, metafile } = await build({
  absWorkingDir: here,
  entryPoints: ['dist/index.js'],
  bundle: true,
  splitting: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  outdir: 'out',
  metafile: true,
  write: false,
});

/** The entry, and all that it imports by `import` statements: transports that a page may never need come by `import()`. */
function findCore() {
  const [entry] = Object.entries(metafile.outputs).find(
    ([, { entryPoint }]) => entryPoint === 'dist/index.js',
  );
  const core = new Set([entry]);
  for (const name of core) {
    for (const { path, kind } of metafile.outputs[name].imports)
      if (kind === 'import-statement') core.add(path);
  }
  return core;
}

const core = findCore();
let size = 0;
for (const { path, contents } of outputFiles) {
  const bytes = gzipSync(contents, { level: 9 }).length;
  const name = Object.keys(metafile.outputs).find((output) => path.endsWith(output));
  if (core.has(name)) size += bytes;
  console.log(`${String(bytes).padStart(6)} ${name.replace('out/', '')}${core.has(name) ? ' (core)' : ''}`);
}
console.log(`${String(size).padStart(6)} core, of at most ${LIMIT} bytes`);
if (size > LIMIT) process.exitCode = 1;
