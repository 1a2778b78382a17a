import { join } from 'node:path';
import ts from 'typescript';

const OPTIONS = join(import.meta.dirname, '../../src/connection/connection-options.ts');
const PAGE = join(import.meta.dirname, 'without-dom.page.ts');
const TEXT = `
import type { ConnectionOptions } from '../../src/connection/connection-options.js';
declare const maybe: string | undefined;
export const fine: ConnectionOptions[] = [
  { url: '/events', headers: { 'x-tenant': '1' }, credentials: 'include' },
  { url: '/events', headers: new Headers(), token: maybe === undefined ? undefined : () => maybe, lastEventId: maybe },
];
// @ts-expect-error -- checked, and not any
export const headers: ConnectionOptions = { url: '/events', headers: 7 };
// @ts-expect-error -- checked, and not any
export const credentials: ConnectionOptions = { url: '/events', credentials: 'always' };
`;

/** What the compiler says of the options and of a program that uses them. */
function compile(lib: string[]): string[] {
  const options: ts.CompilerOptions = {
    ...{ lib, strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: true },
    ...{ target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, types: ['node'] },
  };
  const host = ts.createCompilerHost(options);
  const getSourceFile = host.getSourceFile.bind(host);
  host.getSourceFile = (path, ...rest) =>
    path === PAGE ? ts.createSourceFile(path, TEXT, rest[0]) : getSourceFile(path, ...rest);
  const program = ts.createProgram([PAGE], options, host);
  return [OPTIONS, PAGE].flatMap((path) =>
    program
      .getSemanticDiagnostics(program.getSourceFile(path))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' ')),
  );
}

it.each([
  ['a program for Node, without the types of the DOM', ['lib.es2023.d.ts']],
  ['a page', ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts']],
])('checks the options of a connection in %s, also with exactOptionalPropertyTypes', (_, lib) => {
  expect(compile(lib)).toEqual([]);
});
