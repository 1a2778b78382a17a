import fc from 'fast-check';
import { InvalidEventError } from '../../src/errors/invalid-event.error.js';
import { PayloadTooLargeError } from '../../src/errors/payload-too-large.error.js';
import { UnexpectedReplyError } from '../../src/errors/unexpected-reply.error.js';
import { encodeEvent, formatHubEvent, parseEventText } from '../../src/event/event-text.js';
import type { SseEventInput } from '../../src/event/sse-event.js';
import { hostileStrings, hostileValues } from '../parsers/hostile-events.js';

const NO_LIMIT = Infinity;

function getText(data: unknown, type?: string): string {
  return encodeEvent({ data, ...(type !== undefined && { type }) }, NO_LIMIT).text;
}

function toErrorEvent(event: unknown, maxBytes = NO_LIMIT): unknown {
  try {
    encodeEvent(event as SseEventInput, maxBytes);
  } catch (error) {
    return error;
  }
  return 'it was taken';
}

it('writes U+2028 and U+2029 in JSON as escapes, since some clients end a line there, and strings as they are', () => {
  const data = { text: 'one\u2028two\u2029three', ['key\u2028']: ['\u2028'] };
  const text = getText(data);
  expect(text).not.toMatch(/[\u2028\u2029]/);
  expect(parseEventText('j', text).data).toEqual(data);
  expect(getText('one\u2028two')).toBe('data: one\u2028two\n\n');
  expect(formatHubEvent('error', { code: 'a\u2029b' })).not.toContain('\u2029');
});

describe('strings', () => {
  it.each([
    ['one line', 'hello', 'data: hello\n\n'],
    ['LF', 'a\nb', 'data: a\ndata: b\n\n'],
    ['CR', 'a\rb', 'data: a\ndata: b\n\n'],
    ['CR LF', 'a\r\nb', 'data: a\ndata: b\n\n'],
    ['LF CR, which are two', 'a\n\rb', 'data: a\ndata: \ndata: b\n\n'],
    ['CR CR LF, which are two', 'a\r\r\nb', 'data: a\ndata: \ndata: b\n\n'],
    ['a blank line', 'a\n\nb', 'data: a\ndata: \ndata: b\n\n'],
    ['a line end at the end', 'a\n', 'data: a\ndata: \n\n'],
    ['a line end at the start', '\na', 'data: \ndata: a\n\n'],
    ['nothing but a line end', '\r\n', 'data: \ndata: \n\n'],
    ['nothing', '', 'data: \n\n'],
    ['a space at the start', ' a', 'data:  a\n\n'],
    ['fields', 'data: a\nid: 1\nretry: 1', 'data: data: a\ndata: id: 1\ndata: retry: 1\n\n'],
    ['comments', ':\n: a', 'data: :\ndata: : a\n\n'],
    ['NUL', 'a\u0000b', 'data: a\u0000b\n\n'],
    ['a BOM', '\ufeffa', 'data: \ufeffa\n\n'],
    ['what ends lines elsewhere', 'a\u2028b\u2029c\u0085d\vf\fg', 'data: a\u2028b\u2029c\u0085d\vf\fg\n\n'],
    ['unicode', 'é 🙂 \u560a\u010d', 'data: é 🙂 \u560a\u010d\n\n'],
    ['JSON', '"a"', 'data: "a"\n\n'],
  ])('are sent as they are, line by line: %s', (_what, data, text) => {
    expect(encodeEvent({ data }, NO_LIMIT)).toEqual({ kind: 't', text });
  });

  it('have halves of surrogate pairs replaced on the way, alone', () => {
    expect(Buffer.from(getText('a\ud800b\udc00\ud83d\ude42')).toString()).toBe(
      'data: a\ufffdb\ufffd\u{1f642}\n\n',
    );
    // Split by a line end they are halves, whatever they were.
    expect(Buffer.from(getText('\ud83d\n\ude42')).toString()).toBe('data: \ufffd\ndata: \ufffd\n\n');
  });
});

describe('other data', () => {
  it.each([
    ['an object', { a: 1, b: ['x', null] }, '{"a":1,"b":["x",null]}'],
    ['null', null, 'null'],
    ['a number', 0, '0'],
    ['minus zero', -0, '0'],
    ['false', false, 'false'],
    ['an array', [], '[]'],
    ['line ends within', { 'a\n': 'b\r\nc' }, String.raw`{"a\n":"b\r\nc"}`],
    ['NUL within', ['\u0000'], String.raw`["\u0000"]`],
    ['half a surrogate pair within', ['\ud800'], String.raw`["\ud800"]`],
    ['U+2028 within', ['\u2028'], String.raw`["\u2028"]`],
    ['what has toJSON', new Date(0), '"1970-01-01T00:00:00.000Z"'],
    ['what toJSON makes a string with line ends', { toJSON: () => 'a\nid: 1' }, String.raw`"a\nid: 1"`],
    ['a String object', new String('a\nb'), String.raw`"a\nb"`],
    ['what JSON leaves out', { a: undefined, b: () => 1 }, '{}'],
    ['NaN within, as JSON.stringify has it', [NaN], '[null]'],
  ])('is JSON on one line: %s', (_what, data, json) => {
    expect(encodeEvent({ data }, NO_LIMIT)).toEqual({ kind: 'j', text: `data: ${json}\n\n` });
  });

  it('is one line, whatever strings are in it', () => {
    fc.assert(
      fc.property(hostileValues, (data) => {
        const lines = getText([data]).split(/\r\n|\r|\n/);
        expect(lines.map((line) => line.slice(0, 'data: '.length))).toEqual(['data: ', '', '']);
        expect(JSON.parse(lines[0]!.slice('data: '.length))).toEqual(JSON.parse(JSON.stringify([data])));
      }),
      { numRuns: 500 },
    );
  });
});

describe('types', () => {
  it.each([
    ['a word', 'article', 'event: article\n'],
    ['message', 'message', 'event: message\n'],
    ['spaces around', ' a ', 'event:  a \n'],
    ['a colon', 'a: b', 'event: a: b\n'],
    ['what looks like a field', 'data: x', 'event: data: x\n'],
    ['a tab and other control characters', 'a\t\v\f\u0085b', 'event: a\t\v\f\u0085b\n'],
    ['U+2028', 'a\u2028b', 'event: a\u2028b\n'],
    ['unicode whose lower byte is a line end', '\u560a\u010d\u0100', 'event: \u560a\u010d\u0100\n'],
    ['another case', 'Error', 'event: Error\n'],
    ['what begins as a reserved one', 'end ', 'event: end \n'],
    ['256 characters', 'x'.repeat(256), `event: ${'x'.repeat(256)}\n`],
  ])('may be %s', (_what, type, line) => {
    expect(getText('d', type)).toBe(`${line}data: d\n\n`);
  });

  it.each([undefined, null, ''])('may be left out: %j', (type) => {
    expect(encodeEvent({ type: type as string, data: 'd' }, NO_LIMIT).text).toBe('data: d\n\n');
  });

  it.each(['open', 'error', 'gap', 'end'])('may not be "%s", which means something else', (type) => {
    expect(toErrorEvent({ type, data: 'd' })).toBeInstanceOf(InvalidEventError);
    expect((toErrorEvent({ type, data: 'd' }) as Error).message).toContain(`"${type}"`);
  });

  it.each([
    ['LF', 'a\nb'],
    ['LF at the end', 'a\n'],
    ['CR', 'a\rb'],
    ['CR LF', 'a\r\ndata: b'],
    ['only LF', '\n'],
    ['NUL', 'a\u0000b'],
    ['257 characters', 'x'.repeat(257)],
  ])('may not have %s', (_what, type) => {
    expect(toErrorEvent({ type, data: 'd' })).toBeInstanceOf(InvalidEventError);
  });

  it.each([
    ['a number', 7],
    ['zero', 0],
    ['false', false],
    ['an array', ['a\nb']],
    ['an object', { toString: () => 'a\nb' }],
    ['a String object', new String('a\nb')],
    ['a symbol', Symbol('a')],
    ['a function', () => 'a'],
  ])('may not be %s', (_what, type) => {
    expect(toErrorEvent({ type, data: 'd' })).toBeInstanceOf(InvalidEventError);
  });

  it('are never told with a line end in them', () => {
    expect((toErrorEvent({ type: 'a\r\nb', data: 'd' }) as Error).message).toContain(String.raw`"a\r\nb"`);
  });
});

describe('events that cannot be sent', () => {
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const cause = new Error('its own words');

  it.each([
    ['undefined', undefined],
    ['a function', () => 1],
    ['a symbol', Symbol('a')],
    ['a BigInt', 1n],
    ['a BigInt within', { a: [1n] }],
    ['a cycle', cycle],
    ['a cycle within', [[cycle]]],
    ['NaN', NaN],
    ['Infinity', Infinity],
    ['minus Infinity', -Infinity],
    ['toJSON that gives nothing', { toJSON: () => undefined }],
  ])('is data that is %s', (_what, data) => {
    const error = toErrorEvent({ data });
    expect(error).toBeInstanceOf(InvalidEventError);
    expect(error).toMatchObject({ code: 'INVALID_EVENT' });
  });

  it('is data whose toJSON throws, or a getter in it', () => {
    const toJSON = () => {
      throw cause;
    };
    expect(toErrorEvent({ data: { toJSON } })).toBeInstanceOf(InvalidEventError);
    expect(toErrorEvent({ data: { toJSON } })).toMatchObject({ cause });
    expect(
      toErrorEvent({ data: Object.defineProperty({}, 'a', { get: toJSON, enumerable: true }) }),
    ).toMatchObject({ code: 'INVALID_EVENT', cause });
  });

  it('is data nested deeper than the stack', () => {
    // Since Node 26 arrays alone nest without end: a `toJSON` on each level is what still takes the stack.
    let data: unknown = null;
    for (let i = 0; i < 100_000; i++) {
      const inner = data;
      data = { toJSON: () => [inner] };
    }
    expect(toErrorEvent({ data })).toBeInstanceOf(InvalidEventError);
  });

  it.each([undefined, null, 'hello', 7, Symbol('a'), () => 1])('is no event: %p', (event) => {
    expect(toErrorEvent(event)).toBeInstanceOf(InvalidEventError);
  });

  it('is an event without data', () => {
    expect(toErrorEvent({})).toBeInstanceOf(InvalidEventError);
    expect(toErrorEvent([])).toBeInstanceOf(InvalidEventError);
  });
});

describe('the size limit', () => {
  // Each is exactly as many bytes of UTF-8 as it says.
  it.each([
    ['ASCII', 'x'.repeat(1_000), 1_000],
    ['two bytes each', 'é'.repeat(500), 1_000],
    ['three bytes each', '\u2028'.repeat(333), 999],
    ['four bytes each', '🙂'.repeat(250), 1_000],
    ['halves of pairs, three bytes each', '\ud800'.repeat(333), 999],
    ['line ends', '\n'.repeat(1_000), 1_000],
    ['JSON', ['é'.repeat(498)], 1_000],
    ['JSON of a number', 12_345, 5],
    ['JSON with escapes', ['\u0000'], 10],
  ])('counts bytes of UTF-8: %s', (_what, data, bytes) => {
    expect(toErrorEvent({ data }, bytes)).toBe('it was taken');
    expect(toErrorEvent({ data }, bytes + 1)).toBe('it was taken');
    const error = toErrorEvent({ data }, bytes - 1);
    expect(error).toBeInstanceOf(PayloadTooLargeError);
    expect((error as Error).message).toContain(`has ${bytes} bytes`);
    expect((error as Error).message).toContain(`allows ${bytes - 1}`);
  });

  it('lets nothing pass that is over it, and nothing else', () => {
    fc.assert(
      fc.property(hostileStrings, fc.integer({ min: -2, max: 2 }), (data, off) => {
        const bytes = Buffer.byteLength(data);
        const error = toErrorEvent({ data }, bytes + off);
        expect(error instanceof PayloadTooLargeError).toBe(off < 0);
      }),
      { numRuns: 500 },
    );
  });

  it('is for the data: empty data passes any', () => {
    expect(toErrorEvent({ type: 'x'.repeat(256), data: '' }, 0)).toBe('it was taken');
  });
});

describe('reading back', () => {
  it('gives the type and data that were published', () => {
    const types = fc.option(
      hostileStrings.map((type) => `t${type.replace(/[\r\n\0]/g, '')}`.slice(0, 256)),
      {
        nil: undefined,
      },
    );
    fc.assert(
      fc.property(types, hostileValues, (type, data) => {
        const { kind, text } = encodeEvent({ ...(type !== undefined && { type }), data }, NO_LIMIT);
        const expected: unknown =
          typeof data === 'string' ? data.replace(/\r\n|\r/g, '\n') : JSON.parse(JSON.stringify(data));
        const read = parseEventText(kind, text);
        expect(read).toEqual(type === undefined ? { data: expected } : { type, data: expected });
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['one of the lines', 'data: a\n\n', { data: 'a' }],
    ['a type in the data', 'data: event: x\n\n', { data: 'event: x' }],
    ['data in the type', 'event: data: x\ndata: y\n\n', { type: 'data: x', data: 'y' }],
    ['the prefix in the data', 'data: a\ndata: data: b\n\n', { data: 'a\ndata: b' }],
    ['nothing', 'data: \n\n', { data: '' }],
  ])('is not led astray by %s', (_what, text, event) => {
    expect(parseEventText('t', text)).toEqual(event);
  });

  it('tells a string from what reads the same as JSON', () => {
    expect(parseEventText('t', getText('1'))).toEqual({ data: '1' });
    expect(parseEventText('j', getText(1))).toEqual({ data: 1 });
  });

  it('refuses JSON that is none', () => {
    expect(() => parseEventText('j', 'data: {\n\n')).toThrow(UnexpectedReplyError);
  });
});

describe('events of the hub itself', () => {
  it('have their data as JSON on one line, whatever the channel is called', () => {
    expect(formatHubEvent('end', { channel: 'a\nid: 1\r\n\n"' })).toBe(
      String.raw`event: end` + '\n' + String.raw`data: {"channel":"a\nid: 1\r\n\n\""}` + '\n\n',
    );
  });
});
