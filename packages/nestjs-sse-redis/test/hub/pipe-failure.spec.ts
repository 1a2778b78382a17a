import { SourceFailedError } from 'nestjs-sse-redis';
import { concat, of, throwError } from 'rxjs';
import { brokers, failureOf, Hubs } from './hubs.js';

import { failAfterwards, failLater } from './pipe-sources.js';

describe.each(brokers)('hub.pipe() over the $broker broker', ({ broker }) => {
  const hubs = Hubs.over(broker);

  describe.each([
    ['an async generator that throws', failLater],
    ['an iterable that throws', failAfterwards],
    [
      'an Observable that fails',
      (error: unknown) =>
        concat(
          of('before'),
          throwError(() => error),
        ),
    ],
  ])('%s', (_name, source) => {
    it('ends its clients with an error that tells nothing, and rejects with its cause', async () => {
      const test = await hubs.start();
      const client = await test.client(['a']);
      const cause = new Error('postgres://admin:secret@db/prod is down');
      const failure = await failureOf(test.hub.pipe('a', source(cause)));
      expect(failure).toBeInstanceOf(SourceFailedError);
      expect(failure).toMatchObject({ code: 'SOURCE_FAILED', cause });
      expect(await client.ended).toBe('end');
      expect(client.messages.map(({ type, data }) => [type, data])).toEqual([
        ['message', 'before'],
        ['error', '{"channel":"a","code":"SOURCE_FAILED"}'],
        ['end', '{"channel":"a"}'],
      ]);
      expect(client.blocks.map(({ raw }) => raw).join('\n')).not.toMatch(/postgres|secret|Error:|at .*\.ts/);
      // Nor is it in the log.
      expect(JSON.stringify(await test.hub.history('a'))).not.toMatch(/postgres|secret/);
    });

    it.each([
      ['undefined', undefined],
      ['null', null],
      ['a string', 'words'],
    ])('fails also with %s in the place of an error', async (_what, cause) => {
      const test = await hubs.start();
      const client = await test.client(['a']);
      const failure = await failureOf(test.hub.pipe('a', source(cause)));
      expect(failure).toBeInstanceOf(SourceFailedError);
      expect(failure.cause).toBe(cause);
      await client.ended;
      expect(client.messages.map(({ type }) => type)).toEqual(['message', 'error', 'end']);
    });
  });

  it.each([
    ['bytes', () => Buffer.from('a'), 'bytes: decode them'],
    [
      "a chunk of a model's own",
      () => ({ id: 1, choices: [{ text: 'secret' }] }),
      'an object with id, choices.',
    ],
    ['a number', () => 7, 'one of type number.'],
    ['null', () => null, 'null.'],
    ['a list', () => ['secret'], 'an array.'],
    [
      'an event whose data is a Promise that rejects',
      () => ({ data: Promise.reject(new Error('a')) }),
      'await',
    ],
  ])('fails at %s as an item, and says what it is without its values', async (_what, item, words) => {
    const { hub } = await hubs.start();
    const failure = await failureOf(hub.pipe('a', [item() as never]));
    expect(failure.message).toContain(words);
    expect(failure.message).not.toContain('secret');
  });
});
