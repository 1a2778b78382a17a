const FUNCTIONS = ['describe', 'it', 'test', 'beforeAll', 'beforeEach', 'afterAll', 'afterEach'] as const;

const MEMBERS = new Set(['each', 'only', 'skip', 'todo', 'failing', 'concurrent']);

/** Jest's global functions, by their names. */
const globals = globalThis as unknown as Record<string, unknown>;

/** A call of one of Jest's functions, such as `it.each(rows)('title', test)`: what leads to the function, and its arguments. */
interface Call {
  readonly path: readonly string[];
  readonly args: readonly unknown[];
  /** The arguments of the function that the call returns. */
  readonly next?: readonly unknown[];
}

/**
 * Has Jest run several spec files as one test file. Jest loads all modules anew for each test file, in a context where no code
 * has been compiled: 1.5 s of CPU for a file that starts an application. Each spec gets a `describe` of its own, so that its hooks
 * are for its tests only.
 *
 * @param paths of the specs, absolute
 * @param nameOf the title of a spec's `describe`
 * @throws Error where a spec has no tests, as Jest does
 * @example await runAsOneFile(['/project/test/a.spec.ts', '/project/test/b.spec.ts'], (path) => path);
 */
export async function runAsOneFile(
  paths: readonly string[],
  nameOf: (path: string) => string,
): Promise<void> {
  const recorder = new Recorder();
  for (const path of paths) {
    // A `describe` cannot wait for an import, so what the spec calls is called when it has been imported.
    const calls = await recorder.record(() => import(path));
    if (calls.length === 0) throw new Error(`${path} has no tests`);
    describe(nameOf(path), () => calls.forEach(makeCall));
  }
}

/** Stands in for Jest's functions while a spec is imported. */
class Recorder {
  private readonly originals = FUNCTIONS.map((name) => [name, globals[name]] as const);
  // The same for all specs: what they share, too, keeps `describe` for a variable, when the first of them imports it.
  private readonly standIns = FUNCTIONS.map((name) => [name, this.standInFor([name])] as const);
  private calls: Call[] | undefined;

  async record(action: () => Promise<unknown>): Promise<readonly Call[]> {
    const calls: Call[] = [];
    this.calls = calls;
    for (const [name, standIn] of this.standIns) globals[name] = standIn;
    try {
      await action();
    } finally {
      for (const [name, original] of this.originals) globals[name] = original;
      this.calls = undefined;
    }
    return calls;
  }

  private standInFor(path: readonly string[]): unknown {
    return new Proxy(() => undefined, {
      // Jest looks at what it finds among the globals, when it clears them.
      get: (target, name) =>
        MEMBERS.has(String(name)) ? this.standInFor([...path, String(name)]) : Reflect.get(target, name),
      apply: (_target, _self, args: unknown[]) => {
        if (path.at(-1) !== 'each') return this.take({ path, args });
        return (...next: unknown[]) => this.take({ path, args, next });
      },
    });
  }

  /** Keeps the call, or makes it if it comes from within a `describe` that was recorded. */
  private take(call: Call): void {
    if (this.calls) this.calls.push(call);
    else makeCall(call);
  }
}

function makeCall({ path: [name, ...members], args, next }: Call): void {
  let owner: unknown = globals;
  let called = globals[name!];
  for (const member of members) {
    owner = called;
    called = (called as Record<string, unknown>)[member];
  }
  const result = Reflect.apply(called as (...args: unknown[]) => unknown, owner, args);
  if (next) (result as (...args: unknown[]) => void)(...next);
}
