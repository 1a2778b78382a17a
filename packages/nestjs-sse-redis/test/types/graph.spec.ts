import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const src = join(dirname(fileURLToPath(import.meta.url)), '../../src');

/** The modules that the declarations of a file import, and those of the files that these import, by the names of packages. */
function packagesBehind(file: string, seen = new Set<string>(), packages = new Set<string>()): Set<string> {
  if (seen.has(file)) return packages;
  seen.add(file);
  const declaration = ts.transpileDeclaration(readFileSync(file, 'utf8'), { fileName: file }).outputText;
  for (const { fileName } of ts.preProcessFile(declaration).importedFiles) {
    if (!fileName.startsWith('.')) packages.add(fileName);
    else packagesBehind(join(dirname(file), fileName.replace(/\.js$/, '.ts')), seen, packages);
  }
  return packages;
}

// A page infers events from `typeof orders`: it has neither Nest nor Node.
it('has definitions and events whose declarations need no package', () => {
  for (const file of ['define-channel.ts', 'channel-events.ts'])
    expect([relative(src, file), [...packagesBehind(join(src, 'channels', file))]]).toEqual([
      expect.any(String),
      [],
    ]);
});

it('finds the packages that declarations need (negative control)', () => {
  expect([...packagesBehind(join(src, 'hub/sse-hub.ts'))]).toEqual(
    expect.arrayContaining(['@nestjs/common', 'rxjs']),
  );
});
