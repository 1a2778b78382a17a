// tsc writes one .js and one .d.ts per source file; each Lua script becomes a module beside them.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isScript, toModule } from './lua.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const [source, dist] = [join(here, 'src'), join(here, 'dist')];

// What an earlier build left of a renamed file must not reach the package.
rmSync(dist, { recursive: true, force: true });
try {
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: here, stdio: 'inherit' });
} catch {
  process.exit(1); // tsc has said why
}
const paths = readdirSync(source, { recursive: true }).map((name) => join(source, name));
for (const path of paths.filter(isScript)) {
  const target = join(dist, `${relative(source, path)}.js`);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, toModule(path));
}
