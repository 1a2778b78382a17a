import { RedisServer } from '@nestjs-sse-redis/testing';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const library = fileURLToPath(new URL('..', import.meta.url));
const consumers = fileURLToPath(new URL('consumers', import.meta.url));
const CONSUMERS = [
  ['nest12-esm', 'Nest 12, ES modules, Fastify, ioredis 6'],
  ['nest11-cjs', 'Nest 11, CommonJS, Express, ioredis 5'],
] as const;

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
  }, 360_000);

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

  /** Makes an application that uses the package, compiled. */
  async function install(consumer: string): Promise<void> {
    const app = join(folder, consumer);
    await cp(join(consumers, consumer), app, { recursive: true });
    await cp(join(consumers, 'check-stream.ts'), join(app, 'check-stream.ts'));
    const options = ['--prefer-offline', '--no-package-lock', '--no-audit', '--no-fund'];
    await command(app, 'npm', 'install', ...options, tarball);
    await command(app, 'node', 'node_modules/typescript/bin/tsc');
  }

  describe.each(CONSUMERS)('%s (%s)', (consumer) => {
    it.each([
      ['Redis', () => redis.url],
      ['the embedded broker', () => ''],
    ])('streams over %s', async (_, url) => {
      const app = join(folder, consumer);
      expect(await command(app, 'env', `REDIS_URL=${url()}`, 'node', 'main.js')).toContain('whole');
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
