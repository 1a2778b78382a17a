import { BadRequestException } from '@nestjs/common';
import * as library from 'nestjs-sse-redis';
import { readdir, readFile } from 'node:fs/promises';
import { inspect } from 'node:util';
import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';

const read = (path: string) => readFile(new URL(path, import.meta.url), 'utf8');

it('exports every error class, so that `instanceof` is possible', async () => {
  const folder = '../../src/errors/';
  const files = (await readdir(new URL(folder, import.meta.url))).filter((name) =>
    name.endsWith('.error.ts'),
  );
  const texts = await Promise.all(files.map((name) => read(`${folder}${name}`)));
  const names = texts.flatMap((text) =>
    [...text.matchAll(/export (?:abstract )?class (\w+)/g)].map(([, name]) => name!),
  );
  expect(names.length).toBeGreaterThan(20);
  expect(names.filter((name) => !(name in library))).toEqual([]);
});

it('exports every class of an error that the README names', async () => {
  const named = new Set(
    (await read('../../../../README.md')).match(/`\w+Error`/g)?.map((name) => name.slice(1, -1)),
  );
  expect(named.size).toBeGreaterThan(20);
  expect([...named].filter((name) => !(name in library))).toEqual([]);
});

it('prints an error without a cause as such, and one with it whatever that is', () => {
  expect(inspect(new library.InvalidOptionsError('wrong'))).not.toContain('cause');
  for (const cause of [new Error('behind it'), null, 'a text', 0]) {
    const error = new library.SourceFailedError('failed', { cause });
    expect(error.cause).toBe(cause);
    expect(inspect(error)).toContain('[cause]');
  }
});

it('names each error by its class where a bundler shortens the names of classes', async () => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../../src/errors/index.ts', import.meta.url))],
    ...({ bundle: true, minify: true, write: false, format: 'esm', platform: 'node' } as const),
  });
  const url = `data:text/javascript,${encodeURIComponent(outputFiles[0]!.text)}`;
  const bundled = (await import(url)) as Record<string, new (message: string) => Error>;
  const names = Object.keys(bundled).filter((name) => name !== 'SseRedisError');
  expect(names.length).toBeGreaterThan(20);
  expect(names.map((name) => bundled[name]!.name)).not.toEqual(names);
  expect(names.map((name) => new bundled[name]!('words').name)).toEqual(names);
});

it('has the body of its answer in `response`, by which `@nestjs/graphql` knows an HttpException', () => {
  const { InvalidChannelError, RedisUnavailableError } = library;
  const nests = new BadRequestException('a space in the name') as unknown as { response: object };
  expect(nests.response).toMatchObject({ statusCode: 400 });
  const mistake = new InvalidChannelError('a space in the name') as unknown as { response: object };
  expect(mistake.response).toEqual({
    statusCode: 400,
    message: 'a space in the name',
    code: 'INVALID_CHANNEL',
  });
  const outage = new RedisUnavailableError('Redis at 10.0.0.7 is away') as unknown as { response: object };
  expect(outage.response).toMatchObject({ statusCode: 503, message: 'Service Unavailable' });
  expect(inspect(mistake)).not.toContain('statusCode');
  mistake.response = { of: 'the application' };
  expect(mistake.response).toEqual({ of: 'the application' });
});
