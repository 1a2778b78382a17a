import { freePort, until } from '@nestjs-sse-redis/testing';
import { execFile, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const START = fileURLToPath(new URL('../../../scripts/start.mjs', import.meta.url));

/** Of `npm start` with arguments that it refuses, before it builds anything. */
function refusalOf(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: unknown; text: string }> {
  return new Promise((resolve) => {
    const options = { env: { PATH: process.env['PATH'] ?? '', ...env } };
    execFile(process.execPath, [START, ...args], options, (error, _, text) =>
      resolve({ code: error?.code ?? 0, text }),
    );
  });
}

/** Whether a page is served there. */
const isServed = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/`).then(
    ({ ok }) => ok,
    () => false,
  );

describe('npm start', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'start-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** A stand-in for another version, which no machine of the tests has. */
  async function serverOfVersion(line: string): Promise<string> {
    const path = join(folder, 'redis-server');
    await writeFile(path, `#!/bin/sh\necho '${line}'\n`);
    await chmod(path, 0o755);
    return path;
  }

  it('says which arguments it takes when it gets another one', async () => {
    const { code, text } = await refusalOf(['--clutser']);
    expect(code).toBe(1);
    expect(text).toContain("Unknown option '--clutser'");
    expect(text).toContain('npm start -- --cluster');
  });

  it('refuses --cluster beside REDIS_URL', async () => {
    const { code, text } = await refusalOf(['--cluster'], { REDIS_URL: 'redis://127.0.0.1:1' });
    expect(code).toBe(1);
    expect(text).toContain('REDIS_URL names another Redis');
  });

  it('refuses --cluster where the server is missing', async () => {
    const { code, text } = await refusalOf(['--cluster'], { REDIS_SERVER: join(folder, 'none') });
    expect(code).toBe(1);
    expect(text).toContain('which cannot be executed');
  });

  it('refuses --cluster on a server older than Redis 7.0, and names its version', async () => {
    const server = await serverOfVersion(
      'Redis server v=6.2.14 sha=00000000:0 malloc=jemalloc-5.1.0 bits=64',
    );
    const { code, text } = await refusalOf(['--cluster'], { REDIS_SERVER: server });
    expect(code).toBe(1);
    expect(text).toContain('takes Redis 7.0 or later, or Valkey');
    expect(text).toContain('is version 6.2.14');
  });

  it('ends all of the demo where a signal reaches npm alone', async () => {
    const port = await freePort();
    const env = { ...process.env, PORT: String(port), NODE_OPTIONS: '' };
    const npm = spawn('npm', ['start'], {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    let output = '';
    npm.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    try {
      await until(() => isServed(port), { timeout: 60_000 });
      npm.kill('SIGTERM');
      await until(async () => !(await isServed(port)), {
        timeout: 60_000,
        message: `the demo ends: ${output}`,
      });
    } finally {
      if (await isServed(port)) process.kill(-npm.pid!, 'SIGTERM');
    }
  });
});
