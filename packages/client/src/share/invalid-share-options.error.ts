import { InvalidClientOptionsError } from '../connection/invalid-client-options.error.js';

/** An option of `shareTabs()` that cannot be used. */
export class InvalidShareOptionsError extends InvalidClientOptionsError {
  constructor(option: string, expected: string, given: unknown) {
    super(`share.${option}`, expected, given);
  }
}
