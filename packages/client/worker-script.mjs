// The SharedWorker's script as one text: for `share`, whose worker is a file, and for `share/inlined`, whose worker is made of it. The build
// writes it as a module, and a test's bundle resolves it by the plug-in, so that the text is never older than its sources.
import * as esbuild from 'esbuild';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
/** The text has a part of eventsource-parser, whose licence asks for its notice. */
const NOTICE = '/*! With eventsource-parser: MIT License, (c) Espen Hovlandsdal */';

/** A classic script, which browsers without module workers run, too. */
export async function bundleWorkerScript() {
  const { outputFiles } = await esbuild.build({
    absWorkingDir: here,
    entryPoints: ['src/share/shared-worker.ts'],
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    banner: { js: NOTICE },
    write: false,
  });
  return outputFiles[0].text.trimEnd();
}

/** The module `src/share/worker-script.js`, of which the sources have the types alone. */
export async function toWorkerModule(script = bundleWorkerScript()) {
  return `export const WORKER_SCRIPT = ${JSON.stringify(await script)};\n`;
}

/** @type {import('esbuild').Plugin} */
export const workerScriptPlugin = {
  name: 'worker-script',
  setup(build) {
    build.onResolve({ filter: /\/worker-script\.js$/ }, ({ path }) => ({ path, namespace: 'worker-script' }));
    build.onLoad({ filter: /./, namespace: 'worker-script' }, async () => ({
      contents: await toWorkerModule(),
    }));
  },
};
