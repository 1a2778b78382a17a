import { findBrowser } from '@nestjs-sse-redis/testing/browser';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'test-path-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function install(name: string, mode = 0o755): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, '');
  await chmod(path, mode);
  return path;
}

describe('findBrowser', () => {
  it('finds the ESR of Firefox before another Firefox on the PATH', async () => {
    await install('firefox');
    const esr = await install('firefox-esr');
    expect(findBrowser('firefox', { PATH: folder })).toBe(esr);
  });

  it('takes the binary that the environment names before one on the PATH', async () => {
    await install('firefox');
    const chosen = await install('another');
    expect(findBrowser('firefox', { PATH: folder, FIREFOX: chosen })).toBe(chosen);
  });

  it('throws how to install the browser when the PATH has none', () => {
    expect(() => findBrowser('firefox', { PATH: folder })).toThrow(
      /needs Firefox: none of firefox-esr, firefox is on the PATH.*apt-get install firefox-esr.*set FIREFOX/,
    );
  });

  it('throws which variable is wrong when the named binary cannot be executed', async () => {
    await install('chromium');
    const chosen = join(folder, 'missing');
    expect(() => findBrowser('chromium', { PATH: folder, CHROMIUM: chosen })).toThrow(
      `CHROMIUM is "${chosen}", which cannot be executed`,
    );
  });
});
