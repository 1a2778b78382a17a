import { join } from 'node:path';
import { TypeTests } from '@nestjs-sse-redis/testing/type-tests';

const tests = new TypeTests(import.meta.dirname, join(import.meta.dirname, '../../../..'));

describe('the types of channel definitions', () => {
  // One compilation for two tests: it takes ten seconds.
  const { errors, needless } = tests.compileWithNeedless();

  it('accept what is right, and refuse every mistake', () => {
    expect(tests.mistakes).toBeGreaterThan(40);
    expect(errors).toEqual([]);
  });

  it('are noticed where they accept what was to be refused (negative control)', () => {
    expect(needless).toHaveLength(tests.files.length);
  });

  it('refuse each mistake at its own line (negative control)', () => {
    expect(tests.linesOfMistakes().size).toBe(tests.mistakes);
  });
});
