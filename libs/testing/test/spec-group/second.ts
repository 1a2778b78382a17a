import { describeHere, log } from './shared.js';

afterEach(() => void log.push('second: after'));

describe.each(['a', 'b'])('of the second: %s', (name) => {
  describeHere('nested', () => {
    it.each([1, 2])('runs with %i', (n) => {
      log.push(`second: ${name}${n}`);
      expect(n).toBeGreaterThan(0);
    });
  });
});
