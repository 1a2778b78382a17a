import { streamOf, type ConformanceCase } from './conformance-case.js';

const bytes = (text: string): number[] => [...new TextEncoder().encode(text)];

/** WHATWG HTML 9.2.5 (the grammar) and 9.2.6 (its meaning), sentence by sentence. */
export const parsingCases: readonly ConformanceCase[] = [
  {
    name: '9.2.5 one leading BOM: is ignored',
    answer: streamOf('\uFEFFdata: 1\n\n'),
    expected: ['1'],
  },
  {
    name: '9.2.5 a BOM whose bytes come one by one: is ignored',
    answer: streamOf([0xef], [0xbb], [0xbf], 'data: 1\n\n'),
    expected: ['1'],
  },
  {
    name: '9.2.5 a second BOM: belongs to the name of the field',
    answer: streamOf('\uFEFF\uFEFFdata: 1\n\ndata: 2\n\n'),
    expected: ['2'],
  },
  {
    name: '9.2.5 a BOM behind the first block: belongs to the name of the field',
    answer: streamOf('data: 1\n\n\uFEFFdata: 2\n\ndata: 3\n\n'),
    expected: ['1', '3'],
  },
  {
    name: '9.2.5 end-of-line: CRLF, LF and CR each end a line',
    answer: streamOf('data: a\r\ndata: b\ndata: c\rdata: d\r\n\r\ndata: e\r\rdata: f\n\n'),
    expected: ['a\nb\nc\nd', 'e', 'f'],
  },
  {
    name: '9.2.5 end-of-line: a CRLF that is cut by chunks ends one line',
    answer: streamOf('data: a\r', '\ndata: b\r', '\n\r', '\ndata: c\n', '\n'),
    expected: ['a\nb', 'c'],
  },
  {
    name: '9.2.5 end-of-line: CRs at the ends of chunks end their lines at once',
    answer: () => ({ chunks: ['event: done\rdata: a\r\r'], ends: false }),
    result: ({ data }) => data,
    expected: ['a'],
  },
  {
    name: '9.2.5 comment: lines that begin with a colon are ignored',
    answer: streamOf(':\n: x\ndata: 1\n:data: 2\n:\n', `:${'x'.repeat(20_000)}\n`, 'data: 3\n\n:\n\n'),
    expected: ['1\n3'],
  },
  {
    name: '9.2.6 streams are UTF-8: a character that is cut by chunks is whole',
    answer: streamOf(...bytes('data: ä€😀\n\n').map((byte) => [byte])),
    expected: ['ä€😀'],
  },
  {
    name: '9.2.6 streams are UTF-8: bytes that are none become U+FFFD',
    answer: streamOf([...bytes('data: a'), 0xff, ...bytes('b\n\n')]),
    expected: ['a\uFFFDb'],
  },
  {
    name: '9.2.6 data: lines of a block are joined by LF',
    answer: streamOf('data: YHOO\ndata: +2\ndata: 10\n\n'),
    expected: ['YHOO\n+2\n10'],
  },
  {
    name: '9.2.6 data: without a value, or a colon, is an empty line',
    answer: streamOf('data\n\ndata\ndata\n\ndata:\n\ndata:\ndata:\ndata:\n\n'),
    expected: ['', '\n', '', '\n\n'],
  },
  {
    name: '9.2.6 value: one space behind the colon is removed, and no more',
    answer: streamOf('data:a\n\ndata: b\n\ndata:  c\n\ndata:\td\n\ndata: e \n\n'),
    expected: ['a', 'b', ' c', '\td', 'e '],
  },
  {
    name: '9.2.6 value: colons in it are kept',
    answer: streamOf('data: a:b: c\n\ndata::\n\n'),
    expected: ['a:b: c', ':'],
  },
  {
    name: '9.2.6 data: NULL is kept',
    answer: streamOf('data: \0\n\n'),
    expected: ['\0'],
  },
  {
    name: '9.2.6 data: a megabyte is one line',
    answer: streamOf('data: ', 'x'.repeat(500_000), 'y'.repeat(500_000), '\n\n'),
    result: ({ events }) => events[0]!.data.length,
    expected: 1_000_000,
  },
  {
    name: '9.2.6 other fields: are ignored',
    answer: streamOf('data: 1\n data: 2\nfoo: bar\njusttext\ndatax: 3\nData: 4\ndata : 5\ndata: 6\n\n'),
    expected: ['1\n6'],
  },
  {
    name: '9.2.6 event: names the type, of this block alone',
    answer: streamOf('event: a\ndata: 1\n\ndata: 2\n\nevent:b\nevent: c\ndata: 3\n\nevent:\ndata: 4\n\n'),
    result: ({ events }) => events.slice(0, -1).map(({ type, data }) => [type, data]),
    expected: [
      ['a', '1'],
      ['message', '2'],
      ['c', '3'],
      ['message', '4'],
    ],
  },
  {
    name: '9.2.6 dispatch: a block without data is no event, and its type goes with it',
    answer: streamOf('event: a\n\ndata: 1\n\n\n\n'),
    result: ({ events }) => events.slice(0, -1).map(({ type, data }) => [type, data]),
    expected: [['message', '1']],
  },
  {
    name: '9.2.6 id: is that of its event',
    answer: streamOf('id: 1\ndata: a\n\nid:2\ndata: b\n\nid\ndata: c\n\n'),
    result: ({ events }) => events.slice(0, -1).map(({ id, data }) => [id, data]),
    expected: [
      ['1', 'a'],
      ['2', 'b'],
      ['', 'c'],
    ],
  },
  {
    name: '9.2.6 id: with NULL is ignored',
    answer: streamOf('id: 1\ndata: a\n\nid: 2\0\ndata: b\n\nid: \0\ndata: c\n\n'),
    result: ({ events }) => events.slice(0, -1).map(({ id, data }) => [id, data]),
    expected: [
      ['1', 'a'],
      ['1', 'b'],
      ['1', 'c'],
    ],
  },
  {
    name: '9.2.6 id: an event without one keeps the last',
    answer: streamOf('id: 1\ndata: a\n\ndata: b\n\n'),
    result: ({ events }) => events.slice(0, -1).map(({ id, data }) => [id, data]),
    expected: [
      ['1', 'a'],
      ['1', 'b'],
    ],
  },
];
