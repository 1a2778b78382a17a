import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const root = join(import.meta.dirname, '../..');
const { exports: entries } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly exports: Record<string, { readonly types?: string }>;
};
const files = Object.values(entries).flatMap(({ types }) => (types ? [join(root, types)] : []));

/** As applications have them that check the declarations of packages, too. */
const OPTIONS: ts.CompilerOptions = {
  ...{
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    isolatedModules: true,
  },
  ...{ skipLibCheck: false, noEmit: true, types: ['node'], lib: ['lib.es2023.d.ts'] },
  ...{ target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext },
};

/** What the compiler says of the declarations of the package, and what was imported and not found. */
function check(host = ts.createCompilerHost(OPTIONS)): string[] {
  const program = ts.createProgram(files, OPTIONS, host);
  const own = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(join(root, 'dist')));
  return own.flatMap((source) =>
    program
      .getSemanticDiagnostics(source)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' ')),
  );
}

it('has declarations that compile with exactOptionalPropertyTypes where an application checks them', () => {
  expect(files.length).toBeGreaterThan(5);
  expect(check()).toEqual([]);
});

it('notices a declaration that does not (negative control)', () => {
  const host = ts.createCompilerHost(OPTIONS);
  const getSourceFile = host.getSourceFile.bind(host);
  host.getSourceFile = (path, ...rest) =>
    path === files[0]
      ? ts.createSourceFile(path, `${readFileSync(path, 'utf8')}\n${WRONG}`, rest[0])
      : getSourceFile(path, ...rest);
  expect(check(host)).toHaveLength(1);
});

const WRONG = `
interface Base { readonly value?: number }
export interface Wrong extends Base { readonly value?: Base['value'] }
`;
