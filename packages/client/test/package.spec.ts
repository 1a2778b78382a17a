import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const client = fileURLToPath(new URL('..', import.meta.url));
const root = fileURLToPath(new URL('../../..', import.meta.url));
const consumers = fileURLToPath(new URL('consumers', import.meta.url));
/** The slow ones, which npm installs, run with `npm run test:consumers` only. */
const INSTALLED =
  process.env['BUNDLERS'] === 'all'
    ? ([
        [
          'Vite',
          'page',
          ['node_modules/vite/bin/vite.js', 'build', '--outDir', 'out-vite'],
          /built in/,
          /^out-vite.assets.shared-worker-.+js$/,
        ],
        ['webpack', 'page', ['webpack.mjs'], /compiled/, /^out-webpack.main\.js$/],
        // It renders the page on the server, too.
        [
          'Next.js',
          'next',
          ['node_modules/next/dist/bin/next', 'build'],
          /Compiled successfully/,
          /^\.next.BUILD_ID$/,
        ],
      ] as const)
    : [];

// The package as users get it: packed, in a folder of their own.
describe('the packed client', () => {
  let folder: string;
  let tarball: string;
  let page: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'client-consumers-'));
    await command(root, 'node', 'scripts/build.mjs', '--if-stale');
    await command(client, 'npm', 'pack', '--pack-destination', folder);
    tarball = join(
      folder,
      (await readdir(folder)).find((file) => file.endsWith('.tgz'))!,
    );
    page = join(folder, 'page');
    await cp(join(consumers, 'page'), page, { recursive: true });
    // Not installed, so that this part needs no network.
    const installed = join(page, 'node_modules/nestjs-sse-redis-client');
    await mkdir(installed, { recursive: true });
    await command(installed, 'tar', '-xzf', tarball, '--strip-components=1');
    for (const dependency of ['eventsource-parser', 'react', 'vue'])
      await symlink(join(root, 'node_modules', dependency), join(page, 'node_modules', dependency));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('has what it needs and nothing else', async () => {
    const files = (await command(folder, 'tar', '-tzf', tarball)).trim().split('\n');
    expect(files).toEqual(expect.arrayContaining(['package/package.json', 'package/dist/index.js']));
    const known =
      /^package\/(dist\/.+\.(js|d\.ts)|docs\/client[a-z-]*\.md|README\.md|LICENSE|package\.json)$/;
    expect(files.filter((file) => !known.test(file))).toEqual([]);
  });

  it('does nothing when it is imported, so that a server may render pages with it', async () => {
    const { exports } = JSON.parse(await readFile(join(client, 'package.json'), 'utf8')) as {
      exports: Record<string, unknown>;
    };
    const entries = Object.keys(exports).filter((entry) => entry !== './package.json');
    const script = `
      // What the frameworks do is theirs.
      for (const framework of ['react', 'vue']) await import(framework);
      for (const name of ['fetch', 'EventSource', 'BroadcastChannel', 'setTimeout', 'setInterval', 'queueMicrotask', 'addEventListener'])
        globalThis[name] = () => { throw new Error(name + ' was called at import'); };
      const after = Object.keys(globalThis).length;
      for (const entry of ${JSON.stringify(entries)})
        await import('nestjs-sse-redis-client' + entry.slice(1));
      console.log(JSON.stringify({ added: Object.keys(globalThis).length - after, entries: ${entries.length} }));`;
    await writeFile(join(page, 'import.mjs'), script);
    // It ends by itself: nothing keeps the process.
    expect(JSON.parse(await command(page, 'node', 'import.mjs'))).toEqual({
      added: 0,
      entries: entries.length,
    });
  });

  it('has types for a page that a bundler builds', async () => {
    expect(await command(page, 'node', join(root, 'node_modules/typescript/bin/tsc'), '-p', page)).toBe('');
  });

  it('is bundled by esbuild without a warning, and leaves out what the page does not use', async () => {
    const options = { bundle: true, minify: true, format: 'esm', write: false, absWorkingDir: page } as const;
    const { outputFiles, warnings } = await build({ ...options, entryPoints: ['main.ts'] });
    expect(warnings).toEqual([]);
    expect(outputFiles[0]!.text).toContain('sse/connections');
    const alone = await build({
      ...options,
      stdin: { contents: `export { isAfter } from 'nestjs-sse-redis-client';`, resolveDir: page },
    });
    expect(alone.outputFiles[0]!.contents.length).toBeLessThan(outputFiles[0]!.contents.length / 10);
  });

  /** Of a page that is one classic script, by a bundler that does not look for workers. */
  const bundleSharing = (entry: string) =>
    build({
      ...{ bundle: true, format: 'iife', write: false, absWorkingDir: page, logLevel: 'silent' },
      stdin: {
        contents: `import { shareTabs } from 'nestjs-sse-redis-client/${entry}'; console.log(shareTabs);`,
        resolveDir: page,
      },
    });

  it('is bundled into one script with its worker, where the page imports share/inlined', async () => {
    const { outputFiles, warnings } = await bundleSharing('share/inlined');
    expect(warnings).toEqual([]);
    expect(outputFiles).toHaveLength(1);
    expect(outputFiles[0]!.text).not.toContain('shared-worker.js');
    expect(outputFiles[0]!.text).toContain('With eventsource-parser');
  });

  it('leaves its worker out of such a script, where the page imports share (negative control)', async () => {
    const { outputFiles } = await bundleSharing('share');
    // esbuild does not warn of it in packages: the URL of the worker has no base, and a tab has the stream.
    expect(outputFiles[0]!.text).toContain('import_meta = {}');
    expect(outputFiles[0]!.text).not.toContain('With eventsource-parser');
  });

  it('has a worker that is one script, as Vite 7 takes it, and pages with an import map', async () => {
    const { metafile } = await build({
      ...{ bundle: true, write: false, absWorkingDir: page, metafile: true },
      entryPoints: ['node_modules/nestjs-sse-redis-client/dist/share/shared-worker.js'],
    });
    expect(Object.keys(metafile.inputs)).toHaveLength(1);
  });

  for (const [name, consumer, args, built, file] of INSTALLED)
    it(`is built by ${name} without a warning`, async () => {
      const app = join(folder, `${consumer}-installed`);
      await cp(join(consumers, consumer), app, { recursive: true });
      await command(app, 'npm', 'install', '--prefer-offline', '--no-package-lock', tarball);
      const output = await command(app, 'env', 'NEXT_TELEMETRY_DISABLED=1', 'node', ...args);
      expect(output).toMatch(built);
      expect(output).not.toMatch(/warn/i);
      expect((await readdir(app, { recursive: true })).filter((path) => file.test(path))).toHaveLength(1);
    });
});

/** What the command wrote; rejects with it when the command fails. */
function command(cwd: string, program: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    // Without the options that Jest's own process needs and its users' processes do not have.
    const env = { ...process.env, NODE_OPTIONS: '' };
    execFile(program, args, { cwd, env, timeout: 170_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stdout}${stderr}`));
      else resolve(stdout);
    });
  });
}
