import { RedisServer } from '@nestjs-sse-redis/testing';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WAYS } from './http/foreign-writers/ways.js';

const library = fileURLToPath(new URL('..', import.meta.url));
const consumers = fileURLToPath(new URL('consumers', import.meta.url));
const writers = fileURLToPath(new URL('http/foreign-writers', import.meta.url));
const testing = fileURLToPath(new URL('../../../libs/testing/src', import.meta.url));

/** What `ReconnectingClient` and `until` consist of. They import nothing but Node's own. */
const CLIENT_FILES = [
  'reconnecting-client',
  'inbox',
  'hub-events',
  'sse-stream',
  'sse-parser',
  'recording',
  'deferred',
  'until',
].map((name) => `${name}.ts`);
const CONSUMERS = [
  ['nest12-esm', 'Nest 12, ES modules, Fastify, ioredis 6', 'Vitest', ['vitest/vitest.mjs', 'run'], 3],
  // With `@nestjs/swagger`, of which the first knows nothing.
  ['nest11-cjs', 'Nest 11, CommonJS, Express, ioredis 5', 'Jest', ['jest/bin/jest.js', '--ci'], 5],
] as const;
const INSTALLED_WITHIN_MS = 360_000;
const NPM_OPTIONS = ['--prefer-offline', '--no-package-lock', '--no-audit', '--no-fund'];
const WITH_ALL_BUNDLERS = process.env.BUNDLERS === 'all';
/** Each bundles the application of `nest11-cjs`. The slow ones run with `npm run test:consumers` only. */
const BUNDLERS = [
  ['esbuild-cjs', 'main.cjs'],
  ['esbuild-esm', 'main.mjs'],
  ...(WITH_ALL_BUNDLERS
    ? [
        ['ncc', 'index.js'],
        ['webpack', 'main.cjs'],
        ['rollup', 'main.cjs'],
      ]
    : []),
] as [string, string][];

// The package as users get it: packed, installed in a folder of their own, compiled with their TypeScript.
describe('the packed package', () => {
  let folder: string;
  let tarball: string;
  let redis: RedisServer;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'consumers-'));
    redis = await RedisServer.start();
    await command(library, 'node', '../../scripts/build.mjs', '--if-stale');
    await command(library, 'npm', 'pack', '--pack-destination', folder);
    const [file] = await readdir(folder);
    tarball = join(folder, String(file));
    // At once: npm waits for the network for most of the time.
    await Promise.all(CONSUMERS.map(([consumer]) => install(consumer)));
  }, INSTALLED_WITHIN_MS + 360_000);

  afterAll(async () => {
    await redis?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('has what it needs and nothing else', async () => {
    const files = (await command(folder, 'tar', '-tzf', tarball)).trim().split('\n');
    expect(files).toEqual(
      expect.arrayContaining(
        ['package.json', 'README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts'].map(
          (file) => `package/${file}`,
        ),
      ),
    );
    expect(files).toContainEqual(
      expect.stringMatching(/^package\/dist\/broker\/redis\/scripts\/.+\.lua\.js$/),
    );
    const known = /^package\/(dist\/.+\.(js|d\.ts)|dist\/publish-event(\.cluster)?\.lua|docs\/.+|[^/]+)$/;
    expect(files.filter((file) => !known.test(file))).toEqual([]);
    expect(files.filter((file) => file.endsWith('.lua'))).toHaveLength(2);
    expect(files.filter((file) => file.includes('.spec.'))).toEqual([]);
  });

  it('reads no file at run time, so that bundlers have all of it', async () => {
    const dist = join(library, 'dist');
    const files = (await readdir(dist, { recursive: true })).filter((name) => name.endsWith('.js'));
    const texts = await Promise.all(files.map((name) => readFile(join(dist, name), 'utf8')));
    const reading = files.filter((_, i) => /import\.meta|from '(node:)?fs|__dirname/.test(texts[i]!));
    expect(files.length).toBeGreaterThan(100);
    // The kernel's tables of connections, which no bundler has to take along.
    expect(reading).toEqual(['response/tcp-table.js']);
  });

  it('imports no `@nestjs/swagger`, which is optional, so that bundlers do not look for it', async () => {
    const dist = join(library, 'dist');
    const files = await readdir(dist, { recursive: true, withFileTypes: true });
    const paths = files.filter((file) => file.isFile()).map(({ parentPath, name }) => join(parentPath, name));
    const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
    const importing = paths.filter((_, i) => /(from|import|require)\W*['"]@nestjs\/swagger/.test(texts[i]!));
    expect(importing).toEqual([]);
  });

  it('has every file that its pages link to', async () => {
    const files = (await command(folder, 'tar', '-tzf', tarball)).trim().split('\n');
    const pages = files.filter((file) => file.endsWith('.md'));
    const links = await Promise.all(
      pages.map(async (page) => {
        const text = await command(folder, 'tar', '-xzOf', tarball, page);
        return [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, target]) =>
          posix.join(posix.dirname(page), target!),
        );
      }),
    );
    expect(links.flat().length).toBeGreaterThan(10);
    const isThere = (target: string) =>
      files.some((file) => file === target || file.startsWith(`${target}/`));
    expect(links.flat().filter((target) => !isThere(target))).toEqual([]);
  });

  /** Makes an application that uses the package, compiled. */
  async function install(consumer: string): Promise<void> {
    const app = join(folder, consumer);
    await cp(join(consumers, consumer), app, { recursive: true });
    await cp(join(consumers, 'check-stream.ts'), join(app, 'check-stream.ts'));
    if (!WITH_ALL_BUNDLERS) await leaveOutBundlers(join(app, 'package.json'));
    await command(app, 'npm', 'install', ...NPM_OPTIONS, tarball);
    await command(app, 'node', 'node_modules/typescript/bin/tsc');
  }

  describe.each(CONSUMERS)('%s (%s)', (consumer, _description, runner, [script, ...args], tests) => {
    it.each([
      ['Redis', () => redis.url],
      ['the embedded broker', () => ''],
    ])('streams over %s', async (_, url) => {
      const app = join(folder, consumer);
      const output = await command(app, 'env', 'NO_COLOR=1', `REDIS_URL=${url()}`, 'node', 'dist/main.js');
      expect(output).toContain('whole');
      // The start finds it in the metadata of this version of Nest.
      expect(output.match(/\w+\.\w+ has [^:]+: interceptors and operators do not see/g)).toEqual([
        'NewsController.watched has WatchingInterceptor (method): interceptors and operators do not see',
      ]);
    });

    it(`passes unit and e2e tests with ${runner}`, async () => {
      const app = join(folder, consumer);
      const output = await command(
        app,
        'sh',
        '-c',
        'NO_COLOR=1 "$@" 2>&1',
        'sh',
        'node',
        `node_modules/${script}`,
        ...args,
      );
      expect(output).toMatch(new RegExp(`Tests:? +${tests} passed`));
    });
  });

  it('has types under `module: nodenext` in a CommonJS application', async () => {
    const tsc = ['node_modules/typescript/bin/tsc', '--noEmit', '--module', 'nodenext'];
    expect(await command(join(folder, 'nest11-cjs'), 'node', ...tsc)).toBe('');
  });

  describe.each(BUNDLERS)('bundled by %s', (bundler, file) => {
    let alone: string;

    beforeAll(async () => {
      const app = join(folder, 'nest11-cjs');
      await command(app, 'node', 'bundle.mjs', bundler);
      // Away from node_modules, so that nothing is found but what the bundle has.
      alone = await mkdtemp(join(tmpdir(), 'bundle-'));
      await cp(join(app, 'out', bundler), alone, { recursive: true });
    });
    afterAll(() => rm(alone, { recursive: true, force: true }));

    it.each([
      ['Redis', () => redis.url],
      ['the embedded broker', () => ''],
    ])('streams over %s, without node_modules', async (_, url) => {
      expect(await command(alone, 'env', `REDIS_URL=${url()}`, 'node', file)).toContain('whole');
    });
  });

  it.each([
    ['errors', /^HttpException true 400\n$/],
    ['worker', /^published true true\n$/],
    ['refusal', /^REDIS_FORBIDDEN true\n$/],
  ])('does in a bundle what it does without one: %s', async (program, output) => {
    const app = join(folder, 'nest11-cjs');
    await command(app, 'node', 'bundle.mjs', 'esbuild-cjs', program);
    const file = join(app, 'out/esbuild-cjs/main.cjs');
    expect(await command(folder, 'env', `REDIS_URL=${redis.url}`, 'node', file)).toMatch(output);
    const text = await readFile(file, 'utf8');
    // Of Nest a worker has nothing.
    expect(/HttpException|reflect-metadata|rxjs/.test(text)).toBe(program === 'errors');
  });

  // The list of `http/foreign-writers.spec.ts`, with the routes, the ways and the client of that spec.
  describe('under Nest 11, on Express and Fastify', () => {
    let app: string;

    beforeAll(async () => {
      // All but Fastify is found in the consumer around it: npm takes half a minute of CPU to install it again.
      app = join(folder, 'nest11-cjs/writers');
      await cp(writers, app, { recursive: true });
      await cp(join(consumers, 'nest11-writers'), app, { recursive: true });
      for (const file of CLIENT_FILES) await cp(join(testing, file), join(app, 'testing', file));
      await command(app, 'npm', 'install', ...NPM_OPTIONS, '--legacy-peer-deps');
      await command(app, 'node', '../node_modules/typescript/bin/tsc');
    }, INSTALLED_WITHIN_MS + 180_000);

    async function broken(guard: 'on' | 'off'): Promise<string[]> {
      const output = await command(
        ...([app, 'env', `REDIS_URL=${redis.url}`, `GUARD=${guard}`, 'node', 'main.js'] as const),
      );
      const lines = output.trim().split('\n');
      expect(lines).toHaveLength(2 * (WAYS.length + 1));
      return lines.filter((line) => !line.includes(': whole after '));
    }

    it('brings clients back with the hub’s id, whoever else writes or ends the stream', async () => {
      expect(await broken('on')).toEqual([]);
    });

    it('loses the position without the guard, wherever somebody else writes (negative control)', async () => {
      const writing = WAYS.filter(({ writes }) => writes !== undefined).length + 1;
      const lines = await broken('off');
      expect(lines.filter((line) => line.includes("not the hub's"))).toHaveLength(2 * writing);
    });
  });
});

/** Of a consumer's dependencies, those that only `npm run test:consumers` runs: npm takes seconds to install them. */
async function leaveOutBundlers(path: string): Promise<void> {
  const consumer = JSON.parse(await readFile(path, 'utf8')) as { dependencies: Record<string, string> };
  const kept = Object.entries(consumer.dependencies).filter(
    ([name]) => !/^(@rollup\/|rollup$|@vercel\/ncc$|webpack$)/.test(name),
  );
  await writeFile(path, JSON.stringify({ ...consumer, dependencies: Object.fromEntries(kept) }));
}

/** What the command wrote; rejects with it when the command fails. */
function command(cwd: string, program: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    // Without the options that Jest's own process needs and its users' processes do not have.
    const env = { ...process.env, NODE_OPTIONS: '' };
    // npm takes half a minute of CPU, and waits for the network, beside whatever else the machine does.
    const timeout = program === 'npm' ? INSTALLED_WITHIN_MS : 170_000;
    execFile(program, args, { cwd, env, timeout }, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}`;
      if (error) reject(new Error(`${error.message}\n${output}`));
      else resolve(stdout);
    });
  });
}
