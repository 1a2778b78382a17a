import { execFileSync } from 'node:child_process';
import webpack from 'webpack';

// webpack reads JavaScript; the types are checked by tsc elsewhere.
const esbuild = new URL('node_modules/.bin/esbuild', import.meta.url).pathname;
execFileSync(esbuild, ['main.ts', '--format=esm', '--outfile=main.mjs', '--log-level=error']);
const path = new URL('out-webpack', import.meta.url).pathname;
webpack(
  { mode: 'production', entry: './main.mjs', output: { path, filename: 'main.js' } },
  (error, stats) => {
    console.log(error ?? stats.toString({ all: false, errors: true, warnings: true }));
    if (error || stats.hasErrors()) process.exitCode = 1;
    else console.log('compiled');
  },
);
