import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const folder = dirname(fileURLToPath(import.meta.url));
const root = join(folder, '../../../..');
const EXPECTED = /^ *\/\/ @ts-expect-error.*\n/gm;

const files = readdirSync(folder)
  .filter((name) => !name.endsWith('.spec.ts'))
  .map((name) => join(folder, name));

const { options } = ts.parseJsonConfigFileContent(
  ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)).config,
  ts.sys,
  root,
);
const parsed = new Map<string, ts.SourceFile | undefined>();

/** What the compiler says of the files, by file and line, if they had other texts. */
function compile(textOf: (text: string) => string): string[] {
  const host = ts.createCompilerHost(options);
  const getSourceFile = host.getSourceFile.bind(host);
  host.getSourceFile = (path, ...rest) => {
    if (files.includes(path)) return ts.createSourceFile(path, textOf(readFileSync(path, 'utf8')), rest[0]);
    if (!parsed.has(path)) parsed.set(path, getSourceFile(path, ...rest));
    return parsed.get(path);
  };
  const program = ts.createProgram(files, { ...options, noEmit: true }, host);
  return files.flatMap((path) => {
    const source = program.getSourceFile(path)!;
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ code, start, messageText }) => {
        const { line } = source.getLineAndCharacterOfPosition(start ?? 0);
        const words = ts.flattenDiagnosticMessageText(messageText, ' ').slice(0, 200);
        return `${path.slice(folder.length + 1)}:${line + 1} TS${code} ${words}`;
      },
    );
  });
}

const mistakes = files.flatMap((path) => readFileSync(path, 'utf8').match(EXPECTED) ?? []).length;

describe('the types of channel definitions', () => {
  // One compilation for two tests: it takes ten seconds.
  const needless = '\n// @ts-expect-error -- it compiles\nexport const fine = 1;\n';
  const errors = compile((text) => text + needless);
  const isNeedless = (error: string) => error.includes(' TS2578 ') && lastLines.has(error.split(' ')[0]!);
  const lastLines = new Set(
    files.map((path) => {
      const lines = readFileSync(path, 'utf8').split('\n').length;
      return `${path.slice(folder.length + 1)}:${lines + 1}`;
    }),
  );

  it('accept what is right, and refuse every mistake', () => {
    expect(mistakes).toBeGreaterThan(40);
    expect(errors.filter((error) => !isNeedless(error))).toEqual([]);
  });

  it('are noticed where they accept what was to be refused (negative control)', () => {
    expect(errors.filter(isNeedless)).toHaveLength(files.length);
  });

  it('refuse each mistake at its own line (negative control)', () => {
    // Blanked, so that lines keep their numbers.
    const lines = compile((text) => text.replaceAll(EXPECTED, '\n')).map((error) => error.split(' ')[0]);
    expect(new Set(lines).size).toBe(mistakes);
  });
});
