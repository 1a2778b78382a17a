import { InvalidArgumentError } from '../errors/invalid-argument.error.js';
import { describeValue } from './describe-value.js';
/** The most events that one call returns. */
export const MAX_COUNT = 1_000;

/**
 * Returns a count of events. A wrong one is a mistake in the program, not of a client.
 *
 * @throws InvalidArgumentError
 */
export function parseCount(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= MAX_COUNT) return value;
  throw new InvalidArgumentError(
    `${name} takes a whole number from 0 to ${MAX_COUNT}, it got ${describeValue(value)}.`,
  );
}
