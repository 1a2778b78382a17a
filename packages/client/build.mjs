// tsc writes one .js and one .d.ts per source file. The script of the worker becomes a module beside them.
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkerScript, toWorkerModule } from './worker-script.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

// What an earlier build left of a renamed file must not reach the package.
rmSync(join(here, 'dist'), { recursive: true, force: true });
try {
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: here, stdio: 'inherit' });
} catch {
  process.exit(1); // tsc has said why
}
const script = await bundleWorkerScript();
writeFileSync(join(here, 'dist/share/worker-script.js'), await toWorkerModule(script));
// Vite 7 bundles a worker as one script, and fails where that loads others. Workers have no import maps, either.
writeFileSync(join(here, 'dist/share/shared-worker.js'), `${script}\n`);
