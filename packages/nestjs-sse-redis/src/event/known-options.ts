import { InvalidArgumentError } from '../errors/invalid-argument.error.js';

/** @throws InvalidArgumentError for an option that a method does not have */
export function checkOptions(method: string, options: object, known: ReadonlySet<string>): void {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidArgumentError(`The options of ${method} are an object, not ${String(options)}.`);
  }
  const unknown = findUnknownField(options, known);
  if (unknown === undefined) return;
  throw new InvalidArgumentError(
    `${method} has no option ${JSON.stringify(unknown)} (there are ${[...known].join(', ')}).`,
  );
}

/**
 * Returns the first field of a value that is not known. A misspelled option, or a field of another library's event, would
 * be lost silently.
 */
export function findUnknownField(value: object, known: ReadonlySet<string>): string | undefined {
  for (const field in value) if (!known.has(field)) return field;
  return undefined;
}
