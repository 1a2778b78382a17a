import fc from 'fast-check';
import type { ChannelEventInput } from 'nestjs-sse-redis';

/** No data of a published event may be larger; small, so that going over it costs little. */
export const PAYLOAD_BYTES = 200_000;

/** What the fields in the fragments would make a client listen to, if they became fields. */
export const INJECTED_TYPES = ['x', 'message', 'open', 'error', 'gap', 'end'] as const;

const FRAGMENTS = [
  ...['\r', '\n', '\r\n', '\n\r', '\n\n', '\r\r', '\r\n\r\n', '\0'],
  ...['data: ', 'data:', 'data', 'data: x', 'id: 1', 'id:', 'id', 'id: \0', 'event: x', 'event: end'],
  ...['event: gap', 'event', 'event:', 'retry: 86400000', 'retry: 0', 'retry', ':', ': comment', ':\n'],
  ...[
    '\nid: 1\n',
    '\revent: x\r',
    '\r\nretry: 86400000\r\n',
    '\n\ndata: x\n\n',
    '\n\nid: 1\n\n',
    '\r\rdata: x\r\r',
  ],
  ...['\ufeff', '\ufeffdata: x', '\u2028', '\u2029', '\u0085', '\v', '\f', '\x1c', '\x1e', '\t', ' ', '  '],
  ...['\ud800', '\udc00', '\ud83d\ude42', '\ude42\ud83d', '\ufffd', '\uffff', '\u{10ffff}', 'e\u0301', 'é'],
  // Code points whose lower byte is CR, LF, NUL or a colon: what cuts UTF-16 down to bytes would make them that.
  ...['\u560a', '\u560d', '\u010a', '\u010d', '\u0100', '\u013a'],
  ...['\\n', '\\r\\n', '%0A', '%0D%0A', '&#10;', '{"a":1}', '[DONE]', 'null', '1', 'a', 'news', '__proto__'],
];

/** Strings full of what has a meaning in an event stream. */
export const hostileStrings: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...FRAGMENTS) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
      { weight: 1, arbitrary: fc.string({ maxLength: 12 }) },
    ),
    { maxLength: 10 },
  )
  .map((parts) => parts.join(''));

/** What may be published: hostile strings, and JSON values that have them as keys and values. */
export const hostileValues: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: hostileStrings },
  {
    weight: 1,
    arbitrary: fc.object({
      key: hostileStrings,
      values: [hostileStrings, fc.integer(), fc.double(), fc.boolean(), fc.constant(null)],
      maxDepth: 3,
      maxKeys: 4,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>('', null, 0, -0, false, true, [], {}, [[]], '\n', '\r', ' '),
  },
);

const takenTypes = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(undefined, '', 'message', 'article', 'x', 'Error', 'end ') },
  { weight: 3, arbitrary: hostileStrings.map((type) => `t${type.replace(/[\r\n\0]/g, '')}`.slice(0, 256)) },
);

const refusedTypes = fc.oneof(
  fc.constantFrom<unknown>('open', 'error', 'gap', 'end', 'x'.repeat(257), 7, true, {}, ['a'], Symbol('a')),
  fc
    .tuple(hostileStrings, fc.constantFrom('\r', '\n', '\r\n', '\0', '\ndata: x\n\n'), hostileStrings)
    .map((parts) => parts.join('')),
);

const refusedData = fc.constantFrom<() => unknown>(
  () => undefined,
  () => () => 'data: x',
  () => Symbol('data: x'),
  () => 1n,
  () => ({ '\n\ndata: x': [1n] }),
  () => NaN,
  () => -Infinity,
  () => {
    const cycle: unknown[] = ['\n\ndata: x'];
    cycle.push(cycle);
    return cycle;
  },
  () => ({
    toJSON: () => {
      throw new Error('\n\ndata: x');
    },
  }),
);

const tooLarge = fc.constantFrom<() => unknown>(
  () => 'x'.repeat(PAYLOAD_BYTES + 1),
  () => '\n'.repeat(PAYLOAD_BYTES + 1),
  () => 'é'.repeat(PAYLOAD_BYTES / 2 + 1),
  () => ['x'.repeat(PAYLOAD_BYTES)],
);

const refusedChannels = fc.oneof(
  fc.constantFrom<unknown>('', 'x'.repeat(257), undefined, null, 7, ['news'], '\ud800', 'a\u0085'),
  fc
    .tuple(hostileStrings, fc.constantFrom('\r', '\n', '\0', '\n\ndata: x\n\n'), hostileStrings)
    .map((parts) => parts.join('')),
);

/** A channel name that is taken: hostile, but without control characters and halves of surrogate pairs. */
export const hostileChannels: fc.Arbitrary<string> = hostileStrings.map((name) =>
  // oxlint-disable-next-line no-control-regex
  `c${name.replace(/[\u0000-\u001f\u007f-\u009f]/g, '').toWellFormed()}`.slice(0, 200).toWellFormed(),
);

/** Something to be published, and the code of the error that it must be refused with, if it must. */
export interface Attempt {
  readonly event: ChannelEventInput;
  readonly refusal: string | undefined;
}

/** Things to be published to these channels, about one in six of them to be refused. */
export function attempts(channels: readonly string[]): fc.Arbitrary<Attempt> {
  const channel = fc.constantFrom(...channels);
  const ephemeral = fc.oneof(
    { weight: 7, arbitrary: fc.constant(false) },
    { arbitrary: fc.constant(true), weight: 1 },
  );
  const taken = { channel, type: takenTypes, data: hostileValues, ephemeral };
  const of = (fields: { [key: string]: fc.Arbitrary<unknown> }, refusal?: string): fc.Arbitrary<Attempt> =>
    fc.record({ ...taken, ...fields }).map((event) => ({ event: event as ChannelEventInput, refusal }));
  return fc.oneof(
    { weight: 25, arbitrary: of({}) },
    { weight: 2, arbitrary: of({ type: refusedTypes }, 'INVALID_EVENT') },
    { weight: 1, arbitrary: of({ data: refusedData.map((make) => make()) }, 'INVALID_EVENT') },
    { weight: 1, arbitrary: of({ data: tooLarge.map((make) => make()) }, 'PAYLOAD_TOO_LARGE') },
    { weight: 1, arbitrary: of({ channel: refusedChannels }, 'INVALID_CHANNEL') },
  );
}

/** Large data, of which a client gets many chunks. */
export function largeData(): unknown[] {
  return [
    'x'.repeat(PAYLOAD_BYTES),
    '\r\n'.repeat(20_000),
    '🙂é\n\u2028'.repeat(PAYLOAD_BYTES / 10),
    { '\n\ndata: x': Array.from({ length: 2_000 }, (_, i) => `${i}\r\nid: 1\r\n`) },
  ];
}
