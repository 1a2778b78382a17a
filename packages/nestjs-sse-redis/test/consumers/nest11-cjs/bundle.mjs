// Bundles the compiled application into one file a bundler: `node bundle.mjs <bundler> [<program>]`, to `out/<bundler>`.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const here = import.meta.dirname;
const require = createRequire(import.meta.url);
const entry = join(here, `dist/${process.argv[3] ?? 'main'}.js`);
// Nest requires these only where an application has them.
const external = [
  '@nestjs/microservices',
  '@nestjs/microservices/microservices-module',
  '@nestjs/websockets/socket-module',
  'class-transformer',
  'class-transformer/storage',
  'class-validator',
];

async function esbuild(format, outfile, banner) {
  const { build } = await import('esbuild');
  const common = {
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    // With names of classes shortened, as is the default.
    minify: true,
    external,
  };
  await build({ ...common, format, outfile: join(here, 'out', outfile), banner: banner && { js: banner } });
}

const bundlers = {
  'esbuild-cjs': () => esbuild('cjs', 'esbuild-cjs/main.cjs'),
  // Nest 11 calls require, which an ES module lacks.
  'esbuild-esm': () =>
    esbuild(
      'esm',
      'esbuild-esm/main.mjs',
      "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    ),
  ncc: () => {
    const args = [require.resolve('@vercel/ncc/dist/ncc/cli.js'), 'build', entry, '-o', 'out/ncc', '-q'];
    execFileSync(process.execPath, [...args, ...external.flatMap((name) => ['-e', name])], { cwd: here });
  },
  webpack: async () => {
    const { default: webpack } = await import('webpack');
    const config = {
      mode: 'production',
      target: 'node',
      entry,
      output: { path: join(here, 'out/webpack'), filename: 'main.cjs' },
      externals: external.map((name) => ({ [name]: `commonjs ${name}` })),
      optimization: { minimize: false },
    };
    await new Promise((resolve, reject) => {
      webpack(config, (error, stats) =>
        error || stats.hasErrors() ? reject(error ?? new Error(stats.toString())) : resolve(),
      );
    });
  },
  rollup: async () => {
    const { rollup } = await import('rollup');
    const plugin = async (name) => (await import(`@rollup/plugin-${name}`)).default;
    const [resolve, commonjs, json] = await Promise.all(['node-resolve', 'commonjs', 'json'].map(plugin));
    const bundle = await rollup({
      input: entry,
      external,
      plugins: [
        resolve({ preferBuiltins: true }),
        commonjs({ ignore: external, ignoreDynamicRequires: true }),
        json(),
      ],
      onwarn: () => {},
    });
    await bundle.write({
      file: join(here, 'out/rollup/main.cjs'),
      format: 'cjs',
      inlineDynamicImports: true,
    });
  },
};

await bundlers[process.argv[2]]();
