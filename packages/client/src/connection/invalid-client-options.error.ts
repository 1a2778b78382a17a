/** An option of the client that cannot be used. Thrown by the constructor, before anything is connected. */
export class InvalidClientOptionsError extends TypeError {
  override readonly name = 'InvalidClientOptionsError';
  readonly code = 'INVALID_CLIENT_OPTIONS';

  constructor(
    /** The name of the option, such as `backoff.max`. */
    readonly option: string,
    expected: string,
    given: unknown,
  ) {
    super(`The option "${option}" has to be ${expected}, and is ${describe(given)}.`);
  }
}

function describe(value: unknown): string {
  return typeof value === 'string' ? `"${value.slice(0, 100)}"` : String(value);
}
