// tsc writes one .js and one .d.ts per source file; each Lua script becomes a module beside them. The one for publishers in other
// languages stays a file, in two versions.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isScript, readScript, toModule } from './lua.mjs';

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
const isForeign = (path) => path.endsWith('publish-event.lua');
for (const path of paths.filter((one) => isScript(one) && !isForeign(one))) {
  const target = join(dist, `${relative(source, path)}.js`);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, toModule(path));
}
const { Script } = await import(pathToFileURL(join(dist, 'broker/redis/script.js')).href);
const { source: single, sharded } = new Script(readScript(paths.find(isForeign)));
writeFileSync(join(dist, 'publish-event.lua'), single);
writeFileSync(join(dist, 'publish-event.cluster.lua'), sharded.source);
