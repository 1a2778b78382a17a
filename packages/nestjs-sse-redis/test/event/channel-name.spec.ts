import { InvalidChannelError } from '../../src/errors/invalid-channel.error.js';
import { parseChannel, MAX_CHANNEL_LENGTH } from '../../src/event/channel-name.js';

it.each([
  'news',
  'user:42',
  'order:7:progress',
  ' ',
  'a b',
  '{tag}',
  '*?[x]\\',
  '__proto__',
  'data: x',
  'ключ',
  '🙂',
  '\u00a0',
  '\u2028',
  '\u2029',
  '\ufeff',
  '\ufffd',
  'x'.repeat(MAX_CHANNEL_LENGTH),
  '🙂'.repeat(MAX_CHANNEL_LENGTH / 2),
])('takes %j as it is', (name) => {
  expect(parseChannel(name)).toBe(name);
});

it('takes every character but control characters and surrogates', () => {
  const refused: number[] = [];
  for (let code = 0; code <= 0xffff; code++) {
    try {
      parseChannel(`a${String.fromCharCode(code)}b`);
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidChannelError);
      refused.push(code);
    }
  }
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
  expect(refused).toEqual([...range(0, 0x1f), ...range(0x7f, 0x9f), ...range(0xd800, 0xdfff)]);
});

it.each([
  ['is empty', ''],
  ['is too long', 'x'.repeat(MAX_CHANNEL_LENGTH + 1)],
  ['ends with a line end', 'news\n'],
  ['begins with one', '\rnews'],
  ['has NUL', 'ne\u0000ws'],
  ['has half a surrogate pair at its end', 'news\ud83d'],
  ['has the other half at its start', '\ude42news'],
  ['has the halves in the wrong order', '\ude42\ud83d'],
])('refuses a name that %s', (_what, name) => {
  expect(() => parseChannel(name)).toThrow(InvalidChannelError);
});

it.each([
  ['undefined', undefined],
  ['null', null],
  ['number', 42],
  ['an array', ['news']],
  ['object', { toString: () => 'news' }],
  ['symbol', Symbol('news')],
  ['function', () => 'news'],
  ['bigint', 1n],
])('refuses %s, and says what it got', (what, name) => {
  expect(() => parseChannel(name)).toThrow(
    new InvalidChannelError(`a channel name is a string, not ${what}`),
  );
});

it('does not carry line ends into its message', () => {
  const name = 'a\r\nb';
  expect(() => parseChannel(name)).toThrow(/"a\\r\\nb"/);
});
