/** What a child answers to: a function a method, called with one JSON value. */
export type Methods = Record<string, (argument: never) => unknown>;

export interface Call {
  readonly id: number;
  readonly method: string;
  readonly argument: unknown;
}

export type FromChild =
  | { readonly ready: true }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string };

/** The child's side of `Child`: answers calls, and does not outlive its parent. */
export function serve(methods: Methods): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', (call: Call) => void answer(methods, call));
  post({ ready: true });
}

async function answer(methods: Methods, { id, method, argument }: Call): Promise<void> {
  try {
    const value = await methods[method]?.(argument as never);
    post({ id, value });
  } catch (error) {
    post({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

function post(message: FromChild): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}
