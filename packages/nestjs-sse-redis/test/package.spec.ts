import { RedisServer } from '@nestjs-sse-redis/testing';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const library = fileURLToPath(new URL('..', import.meta.url));
const consumers = fileURLToPath(new URL('consumers', import.meta.url));

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
  }, 180_000);

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
    expect(files).toContainEqual(expect.stringMatching(/^package\/dist\/broker\/redis\/scripts\/.+\.lua$/));
    expect(files.filter((file) => !/^package\/(dist\/.+\.(js|d\.ts|lua)|[^/]+)$/.test(file))).toEqual([]);
    expect(files.filter((file) => file.includes('.spec.'))).toEqual([]);
  });

  describe.each([
    ['nest12-esm', 'Nest 12, ES modules, Fastify, ioredis 6'],
    ['nest11-cjs', 'Nest 11, CommonJS, Express, ioredis 5'],
  ])('%s (%s)', (consumer) => {
    let app: string;

    beforeAll(async () => {
      app = join(folder, consumer);
      await cp(join(consumers, consumer), app, { recursive: true });
      await cp(join(consumers, 'check-stream.ts'), join(app, 'check-stream.ts'));
      await command(app, 'npm', 'install', '--prefer-offline', '--no-package-lock', tarball);
      await command(app, 'node', 'node_modules/typescript/bin/tsc');
    }, 180_000);

    it.each([
      ['Redis', () => redis.url],
      ['the embedded broker', () => ''],
    ])('streams over %s', async (_, url) => {
      const output = await command(app, 'env', 'NO_COLOR=1', `REDIS_URL=${url()}`, 'node', 'main.js');
      expect(output).toContain('whole');
      // The start finds it in the metadata of this version of Nest.
      expect(output.match(/\w+\.\w+ has [^:]+: interceptors and operators do not see/g)).toEqual([
        'NewsController.watched has WatchingInterceptor (method): interceptors and operators do not see',
      ]);
    });
  });
});

/** What the command wrote; rejects with it when the command fails. */
function command(cwd: string, program: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    // Without the options that Jest's own process needs and its users' processes do not have.
    const env = { ...process.env, NODE_OPTIONS: '' };
    execFile(program, args, { cwd, env, timeout: 170_000 }, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}`;
      if (error) reject(new Error(`${error.message}\n${output}`));
      else resolve(stdout);
    });
  });
}
