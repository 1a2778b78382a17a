import { join } from 'node:path';
import ts from 'typescript';

const PAGE = join(import.meta.dirname, 'compiled.page.ts');

/**
 * What the compiler says of a program that uses the client, with `exactOptionalPropertyTypes`.
 *
 * @param text of the program, as if it were a file of this folder
 * @param lib the types of the platform
 * @param files others that are looked at
 */
export function compilePage(text: string, lib: string[], files: readonly string[] = []): string[] {
  const options: ts.CompilerOptions = {
    ...{ lib, strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: true },
    ...{ target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, types: ['node'] },
  };
  const host = ts.createCompilerHost(options);
  const getSourceFile = host.getSourceFile.bind(host);
  host.getSourceFile = (path, ...rest) =>
    path === PAGE ? ts.createSourceFile(path, text, rest[0]) : getSourceFile(path, ...rest);
  const program = ts.createProgram([PAGE], options, host);
  return [...files, PAGE].flatMap((path) =>
    program
      .getSemanticDiagnostics(program.getSourceFile(path))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' ')),
  );
}
