import { InvalidOptionsError } from 'nestjs-sse-redis';
import { resolveOptions } from '../../src/options/resolved-options.js';

function failureOf(options: object): Error {
  try {
    resolveOptions(options);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidOptionsError);
    return error as Error;
  }
  throw new Error('These options were taken.');
}

it.each<[object, RegExp]>([
  [
    { authorize: { useExisting: undefined } },
    /authorize: \{ useExisting \} takes a class, it got undefined, as where two files/,
  ],
  [{ authorize: { useClass: 5 } }, /authorize: \{ useClass \} takes a class, it got 5/],
  [
    { identify: { useExisting: undefined } },
    /identify: \{ useExisting \} takes a class, it got undefined, as where/,
  ],
  [{ identify: { useClass: {} } }, /identify: \{ useClass \} takes a class/],
  [{ redis: 'redis://user:secret@host:99999/0' }, /whose port is no number from 0 to 65535/],
  [{ redis: 'redis://host:undefined' }, /whose port is no number from 0 to 65535/],
  [{ redis: 'redis://us%er:secret@host:6379' }, /must be percent-encoded/],
])('the options name what is wrong in %j', (options, words) => {
  const { message } = failureOf(options);
  expect(message).toMatch(words);
  expect(message).not.toContain('secret');
});
