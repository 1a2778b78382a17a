import * as library from 'nestjs-sse-redis';
import { readdir, readFile } from 'node:fs/promises';

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
