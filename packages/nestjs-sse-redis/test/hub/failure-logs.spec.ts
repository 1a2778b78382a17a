import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { failureOf, Hubs } from './hubs.js';

const hubs = Hubs.over('memory');
let logged: unknown[][] = [];

beforeEach(() => {
  logged = [];
  jest.spyOn(Logger.prototype, 'error').mockImplementation((...args: unknown[]) => void logged.push(args));
});
afterEach(() => jest.restoreAllMocks());

/** What the log has of a pipe whose source throws. */
async function logOf(thrown: unknown): Promise<unknown[]> {
  const { hub } = await hubs.start();
  // oxlint-disable-next-line require-yield
  async function* source(): AsyncGenerator<string> {
    throw thrown;
  }
  await failureOf(hub.pipe('a', source()));
  expect(logged).toHaveLength(1);
  return logged[0]!;
}

describe('the log of a source that failed', () => {
  it('has the stacks of an error and of its causes', async () => {
    const refused = new Error('connect ECONNREFUSED');
    const [text, stack] = await logOf(new TypeError('fetch failed', { cause: refused }));
    expect(text).toBe('The source piped into "a" failed.');
    expect(stack).toMatch(
      /^TypeError: fetch failed\n\s+at [^]*\n\[cause\]: Error: connect ECONNREFUSED\n\s+at /,
    );
  });

  it('has those of all the errors of an AggregateError', async () => {
    const refused = ['127.0.0.1', '::1'].map((address) => new Error(`connect ECONNREFUSED ${address}`));
    const cause = new AggregateError(refused, '');
    const [, stack] = await logOf(new TypeError('fetch failed', { cause }));
    expect(String(stack).match(/^\[cause\]: .*$/gm)).toEqual([
      expect.stringMatching(/^\[cause\]: AggregateError/),
      '[cause]: Error: connect ECONNREFUSED 127.0.0.1',
      '[cause]: Error: connect ECONNREFUSED ::1',
    ]);
  });

  it('ends where errors are the causes of one another', async () => {
    const error = new Error('first');
    error.cause = new Error('second', { cause: error });
    const [, stack] = await logOf(error);
    expect(String(stack).match(/Error: (first|second)/g)).toEqual(['Error: first', 'Error: second']);
  });

  // nestjs-pino drops a second argument that is no stack.
  it('says in its text what was thrown where that is no error', async () => {
    expect(await logOf('words')).toEqual(['The source piped into "a" failed. words']);
  });

  it('shows an object that was thrown, and of what lies deep in it nothing', async () => {
    const headers = { authorization: 'Bearer secret' };
    const [text, ...others] = await logOf({
      status: 429,
      error: { message: 'slow down' },
      config: { headers },
    });
    expect(text).toMatch(/failed\. \{[^]*status: 429[^]*message: 'slow down'[^]*headers: \[Object\]/);
    expect(text).not.toContain('secret');
    expect(others).toEqual([]);
  });
});
