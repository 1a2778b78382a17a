import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const EXPECTED = /^ *\/\/ @ts-expect-error.*\n/gm;
const NEEDLESS = '\n// @ts-expect-error -- it compiles\nexport const fine = 1;\n';

/** Files in which each line behind `@ts-expect-error` must not compile, and all others must. */
export class TypeTests {
  readonly files: readonly string[];
  private readonly options: ts.CompilerOptions;
  private readonly parsed = new Map<string, ts.SourceFile | undefined>();

  /** @param folder of the files @param root of the repository, with tsconfig.json */
  constructor(
    private readonly folder: string,
    root: string,
  ) {
    this.files = readdirSync(folder)
      .filter((name) => !name.endsWith('.spec.ts'))
      .map((name) => join(folder, name));
    const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path));
    this.options = ts.parseJsonConfigFileContent(config, ts.sys, root).options;
  }

  /** How many mistakes are expected. */
  get mistakes(): number {
    return this.files.flatMap((path) => readFileSync(path, 'utf8').match(EXPECTED) ?? []).length;
  }

  /** Compiles with one more expectation a file, that is not met. @returns what the compiler says of these, and of all others */
  compileWithNeedless(): { readonly errors: string[]; readonly needless: string[] } {
    const errors = this.compile((text) => text + NEEDLESS);
    const lines = this.files.map((path) => {
      const count = readFileSync(path, 'utf8').split('\n').length;
      return `${path.slice(this.folder.length + 1)}:${count + 1}`;
    });
    const lastLines = new Set(lines);
    const isNeedless = (error: string) => error.includes(' TS2578 ') && lastLines.has(error.split(' ')[0]!);
    return {
      errors: errors.filter((error) => !isNeedless(error)),
      needless: errors.filter(isNeedless),
    };
  }

  /** The lines, with their files, that do not compile where nothing is expected. */
  linesOfMistakes(): Set<string> {
    // Blanked, so that lines keep their numbers.
    return new Set(
      this.compile((text) => text.replaceAll(EXPECTED, '\n')).map((error) => error.split(' ')[0]!),
    );
  }

  /** What the compiler says of the files, by file and line, if they had other texts. */
  private compile(textOf: (text: string) => string): string[] {
    const host = ts.createCompilerHost(this.options);
    const getSourceFile = host.getSourceFile.bind(host);
    host.getSourceFile = (path, ...rest) => {
      if (this.files.includes(path))
        return ts.createSourceFile(path, textOf(readFileSync(path, 'utf8')), rest[0]);
      if (!this.parsed.has(path)) this.parsed.set(path, getSourceFile(path, ...rest));
      return this.parsed.get(path);
    };
    const program = ts.createProgram([...this.files], { ...this.options, noEmit: true }, host);
    return this.files.flatMap((path) => this.diagnose(program, path));
  }

  private diagnose(program: ts.Program, path: string): string[] {
    const source = program.getSourceFile(path)!;
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map(({ code, start, messageText }) => {
      const { line } = source.getLineAndCharacterOfPosition(start ?? 0);
      const words = ts.flattenDiagnosticMessageText(messageText, ' ').slice(0, 200);
      return `${path.slice(this.folder.length + 1)}:${line + 1} TS${code} ${words}`;
    });
  }
}
