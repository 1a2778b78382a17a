import fc from 'fast-check';
import {
  formatEventId,
  parseEventId,
  parseLine,
  POSITIONS_PER_MS,
  toPosition,
} from '../../src/event/position.js';

const LAST = Number.MAX_SAFE_INTEGER;
const positions = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(5_000),
  fc.nat(5_000).map((n) => LAST - n),
  // Around the turn of a millisecond.
  fc
    .tuple(fc.nat(2 ** 42), fc.integer({ min: -2, max: 2 }))
    .map(([ms, off]) => Math.max(0, ms * POSITIONS_PER_MS + off)),
);

/** As Redis orders stream ids: first by the milliseconds, then by the sequence. */
function compareIds(a: string, b: string): number {
  const [[aMs, aSeq], [bMs, bSeq]] = [a, b].map((id) => id.split('-').map(BigInt)) as [
    [bigint, bigint],
    [bigint, bigint],
  ];
  const [x, y] = aMs === bMs ? [aSeq, bSeq] : [aMs, bMs];
  return x < y ? -1 : x > y ? 1 : 0;
}

it('writes a position as a Redis stream id', () => {
  expect(formatEventId(0)).toBe('0-0');
  expect(formatEventId(1_023)).toBe('0-1023');
  expect(formatEventId(1_024)).toBe('1-0');
  expect(formatEventId(toPosition(1_767_225_600_000) + 7)).toBe('1767225600000-7');
  expect(formatEventId(LAST)).toBe('8796093022207-1023');
});

it('writes the line behind it, once there was a failover', () => {
  expect(formatEventId(1_024, 0)).toBe('1-0');
  expect(formatEventId(toPosition(1_767_225_600_000) + 7, 12)).toBe('1767225600000-7.12');
});

it('reads every id that it writes', () => {
  fc.assert(
    fc.property(positions, fc.nat(999_999_999), (position, line) => {
      const id = formatEventId(position, line);
      expect([parseEventId(id), parseLine(id)]).toEqual([position, line]);
    }),
    { numRuns: 1_000 },
  );
});

it('writes back every id that it reads', () => {
  const ids = fc
    .tuple(fc.nat(8_796_093_022_207), fc.nat(POSITIONS_PER_MS - 1))
    .map(([ms, seq]) => `${ms}-${seq}`);
  fc.assert(
    fc.property(ids, (id) => {
      expect(formatEventId(parseEventId(id)!)).toBe(id);
    }),
    { numRuns: 1_000 },
  );
});

it('orders positions as Redis orders their ids', () => {
  const near = fc.tuple(positions, fc.integer({ min: -2_000, max: 2_000 })).map(([position, off]) => {
    return [position, Math.min(LAST, Math.max(0, position + off))] as const;
  });
  fc.assert(
    fc.property(fc.oneof(near, fc.tuple(positions, positions)), ([a, b]) => {
      expect(compareIds(formatEventId(a), formatEventId(b))).toBe(Math.sign(a - b));
    }),
    { numRuns: 1_000 },
  );
});

it('has the first position of a millisecond', () => {
  expect(formatEventId(toPosition(1_767_225_600_000))).toBe('1767225600000-0');
  expect(formatEventId(toPosition(1_767_225_600_000) - 1)).toBe('1767225599999-1023');
});

it.each([
  ['nothing', ''],
  ['a number', '1767225600000'],
  ['no milliseconds', '-1'],
  ['no sequence', '1767225600000-'],
  ['a third part', '1-2-3'],
  ['leading zeros', '01-0'],
  ['leading zeros in the sequence', '1-00'],
  ['a sequence that no millisecond has', '1-1024'],
  ['a long sequence', '1-10000'],
  ['more milliseconds than a double has', '8796093022208-0'],
  ['the largest id of a Redis stream', '18446744073709551615-18446744073709551615'],
  ['thousands of digits', `${'9'.repeat(5_000)}-0`],
  ['a sign', '+1-0'],
  ['a negative number', '-1-0'],
  ['a fraction', '1.0-0'],
  ['an exponent', '1e3-0'],
  ['hexadecimal', '0x1-0'],
  ['a space before', ' 1-0'],
  ['a space after', '1-0 '],
  ['a space within', '1 -0'],
  ['a tab', '1-\t0'],
  ['LF after', '1-0\n'],
  ['CR after', '1-0\r'],
  ['a second line', '1-0\n2-0'],
  ['NUL before', '\u00001-0'],
  ['NUL after', '1-0\u0000'],
  ['NUL within', '1\u0000-0'],
  ['a BOM', '\ufeff1-0'],
  ['Arabic digits', '\u0661-\u0660'],
  ['full-width digits', '\uff11-\uff10'],
  ['mathematical digits', '\u{1d7cf}-\u{1d7ce}'],
  ['another dash', '1\u20130'],
  ['half a surrogate pair', '1-0\ud800'],
  ['the special ids of Redis', '$'],
  ['the least id of Redis', '-'],
  ['a list', '1-0,2-0'],
])('takes %s for no id of a hub: %j', (_what, id) => {
  expect(parseEventId(id)).toBeUndefined();
});

it('takes nothing for an id that it would not have written itself', () => {
  const almost = fc
    .tuple(positions, fc.nat(40), fc.constantFrom('', '0', '9', '-', ' ', '\n', '\0', '\u0660', 'e', '.'))
    .map(([position, at, insert]) => {
      const id = formatEventId(position);
      return id.slice(0, at % (id.length + 1)) + insert + id.slice(at % (id.length + 1));
    });
  fc.assert(
    fc.property(fc.oneof(almost, fc.string({ unit: 'binary' })), (id) => {
      const position = parseEventId(id);
      expect(position === undefined || formatEventId(position, parseLine(id)) === id).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});
