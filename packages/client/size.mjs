// The sizes of the client as a page loads it: its build, bundled and minified with eventsource-parser in it, and gzipped.
import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

/** What a page imports, and the bytes that it may load for that. */
const LIMITS = [
  ['StreamConnection', 6_144],
  ['createClient', 12_544],
  ['createClient, stateMap', 13_312],
];

const here = fileURLToPath(new URL('.', import.meta.url));

/** Bytes of the entry and of what it imports by statements: transports that a page may never need come by `import()`. */
async function measure(name) {
  const { outputFiles, metafile } = await build({
    absWorkingDir: here,
    stdin: {
      contents: `export { ${name} } from './dist/index.js';`,
      resolveDir: here,
      sourcefile: 'page.js',
    },
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    outdir: 'out',
    metafile: true,
    write: false,
  });
  const { outputs } = metafile;
  const needed = new Set(Object.keys(outputs).filter((output) => outputs[output].entryPoint === 'page.js'));
  for (const output of needed) {
    for (const { path, kind } of outputs[output].imports) if (kind === 'import-statement') needed.add(path);
  }
  return outputFiles
    .filter(({ path }) => [...needed].some((output) => path.endsWith(output)))
    .reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0);
}

for (const [name, limit] of LIMITS) {
  const bytes = await measure(name);
  console.log(`${name}: ${bytes} of at most ${limit} bytes`);
  if (bytes === 0 || bytes > limit) process.exitCode = 1;
}
