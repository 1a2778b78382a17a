import { jest } from '@jest/globals';
import { startApp, useRedis } from '@nestjs-sse-redis/testing';
import { Logger, Module, type ModuleMetadata } from '@nestjs/common';
import { defineChannel, SseHub, SseRedisModule, type SseRedisOptions } from 'nestjs-sse-redis';
import { randomUUID } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { failureOf } from '../hub/hubs.js';

const redis = useRedis();
const folder = mkdtempSync(join(tmpdir(), 'two-copies-'));
/** The package again, as a library of a workspace may have it, over the same Nest. */
let copy: typeof import('nestjs-sse-redis');
const closing: (() => unknown)[] = [];
let warnings: string[] = [];

beforeAll(async () => {
  const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
  cpSync(path('../../src'), join(folder, 'src'), { recursive: true });
  symlinkSync(path('../../../../node_modules'), join(folder, 'node_modules'));
  copy = (await import(join(folder, 'src/index.ts'))) as typeof copy;
  expect(copy.SseHub).not.toBe(SseHub);
});
beforeEach(() => {
  warnings = [];
  jest
    .spyOn(Logger.prototype, 'warn')
    .mockImplementation((text: unknown) => void warnings.push(String(text)));
});
afterEach(async () => {
  jest.restoreAllMocks();
  for (const close of closing.splice(0)) await close();
});
afterAll(() => rmSync(folder, { recursive: true }));

async function start(...imports: NonNullable<ModuleMetadata['imports']>) {
  const application = { logger: false, abortOnError: false } as const;
  const running = await startApp({ imports }, 'express', { application });
  closing.push(() => running.close());
  return running;
}

const ofApplication = (options: SseRedisOptions) => SseRedisModule.forRoot({ isGlobal: true, ...options });

/** A library with a hub by its own copy of the package. */
function ofLibrary(options: SseRedisOptions) {
  @Module({ imports: [copy.SseRedisModule.forRoot(options)] })
  class Library {}
  return Library;
}

describe('an application in which two copies of the package have a hub', () => {
  it('is refused where both brokers are embedded', async () => {
    const error = await failureOf(start(ofApplication({}), ofLibrary({})));
    expect(error.message).toMatch(/two copies of nestjs-sse-redis.*npm ls.*would never reach the other/);
    expect(error).toMatchObject({ code: 'INVALID_OPTIONS' });
  });

  it('starts with one warning where both have the same Redis and prefix', async () => {
    const options = { redis: redis.url, prefix: randomUUID() };
    await start(ofApplication(options), ofLibrary(options));
    expect(warnings.filter((text) => text.includes('two copies'))).toEqual([
      expect.stringMatching(/Definitions, rights and decorators of one copy do not count/),
    ]);
  });

  it('starts without a word where their prefixes differ', async () => {
    await start(
      ofApplication({ redis: redis.url, prefix: randomUUID() }),
      ofLibrary({ redis: redis.url, prefix: randomUUID() }),
    );
    expect(warnings).toEqual([]);
  });
});

describe('forFeature() of a library with its own copy of the package', () => {
  const orders = defineChannel('order:{id}', {});

  it('fails and names the two copies where the hub is of the other copy', async () => {
    const error = await failureOf(start(ofApplication({}), copy.SseRedisModule.forFeature([orders])));
    expect(error.message).toMatch(/found no hub of its own copy.*two copies of nestjs-sse-redis.*npm ls/);
  });

  it('fails and asks for forRoot() where there is no hub at all', async () => {
    const error = await failureOf(start(copy.SseRedisModule.forFeature([orders])));
    expect(error.message).toMatch(/found no hub: import SseRedisModule\.forRoot\(\)/);
  });
});
