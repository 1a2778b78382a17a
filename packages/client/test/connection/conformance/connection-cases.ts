import { DONE, firstThen, tellId, type CaseRequest, type ConformanceCase } from './conformance-case.js';

const done = { chunks: ['data: here\n\n', DONE], ends: false };
/** ms that no test waits. */
const LONG = 600_000;

const redirects = [301, 302, 303, 307, 308].map<ConformanceCase>((status) => ({
  name: `9.2.3 redirect: ${status} is followed`,
  answer: ({ rest }) => (rest === '' ? { status, headers: { location: '#/target' } } : done),
  expected: ['here'],
}));

const contentTypes = [
  'text/event-stream;charset=utf-8',
  'text/event-stream; charset=windows-1252',
  'text/event-stream ;x=y',
  'TEXT/Event-Stream',
].map<ConformanceCase>((type) => ({
  name: `9.2.3 announce the connection: ${type} is an event stream, in UTF-8`,
  answer: () => ({ headers: { 'content-type': type }, chunks: ['data: ä\n\n', DONE], ends: false }),
  expected: ['ä'],
}));

const noStreams = [
  'text/event-stream-x',
  'text/html',
  'text/plain; x=text/event-stream',
  '',
].map<ConformanceCase>((type) => ({
  name: `9.2.3 fail the connection: ${type || 'nothing'} is no event stream`,
  answer: firstThen({ headers: { 'content-type': type }, chunks: ['data: wrong\n\n'] }, () => done),
  expected: ['here'],
}));

const goodRetries = ['retry: 10', 'retry:10', 'retry: 0010'];
const badRetries = [
  'retry: 1e9',
  'retry: 1000000000x',
  'retry: -1',
  'retry:',
  'retry',
  'retry: 1.5',
  'Retry: 9000000',
];
const retries = [
  ...goodRetries.map((line) => [line, `retry: ${LONG}\n${line}\n\n`, 'is kept to']),
  ...badRetries.map((line) => [line, `retry: 10\n${line}\n\n`, 'is ignored']),
].map<ConformanceCase>(([line, chunk, outcome]) => ({
  name: `9.2.6 retry: "${line}" ${outcome}`,
  answer: firstThen({ chunks: [chunk!] }, () => done),
  expected: ['here'],
}));

/** Last event ids, and with what the client then comes. */
const ids = ['1-0', '1-0~2-0', '1-0@0,2-0@1', 'ä€😀', 'a b', '~'].map<ConformanceCase>((id) => ({
  name: `9.2.3 reestablish: Last-Event-ID is "${id}", in UTF-8`,
  answer: firstThen({ chunks: [`retry: 10\nid: ${id}\ndata: first\n\n`] }, tellId),
  expected: ['first', `came with ${id}`],
}));

const cuts = ['id: 2\ndata: x\n', 'id: 2\ndata: x', 'id: 2\n', 'id: 2\nevent: position\ndata:\n'];

/** WHATWG HTML 9.2.2 and 9.2.3, as far as they apply to a client that comes back where the standard gives up. */
export const connectionCases: readonly ConformanceCase[] = [
  {
    name: '9.2.2 constructor: the request accepts an event stream, and no store',
    answer: ({ accept, cacheControl }: CaseRequest) => ({
      chunks: [`data: ${accept} ${cacheControl}\n\n`, DONE],
      ends: false,
    }),
    expected: ['text/event-stream no-cache'],
  },
  {
    // With a comment: Firefox 153 hands over the head of an answer only with the first byte of its body.
    name: '9.2.3 announce the connection: it is open before an event comes',
    answer: () => ({ chunks: [':'], ends: false }),
    until: ({ state }) => state.status === 'open',
    result: ({ summary }) => summary,
    expected: ['connecting', 'open'],
  },
  ...redirects,
  ...contentTypes,
  ...noStreams,
  {
    name: '9.2.3 204: nobody comes back',
    answer: () => ({ status: 204 }),
    until: ({ state }) => state.status === 'stopped',
    result: ({ summary }) => summary,
    expected: ['connecting', 'stopped no-content'],
  },
  {
    name: '9.2.3 reestablish: a stream that ends is asked for again, from the last id',
    answer: firstThen({ chunks: ['retry: 10\nid: 1\ndata: a\n\nid: 2\ndata: b\n\n'] }, tellId),
    expected: ['a', 'b', 'came with 2'],
  },
  {
    name: '9.2.3 reestablish: without an id there is no Last-Event-ID',
    answer: firstThen({ chunks: ['retry: 10\ndata: a\n\n'] }, tellId),
    expected: ['a', 'came with none'],
  },
  {
    name: '9.2.3 reestablish: an empty id takes Last-Event-ID away',
    answer: firstThen({ chunks: ['retry: 10\nid: 1\ndata: a\n\nid\ndata: b\n\n'] }, tellId),
    expected: ['a', 'b', 'came with none'],
  },
  ...ids,
  ...retries,
  ...cuts.map<ConformanceCase>((cut) => ({
    name: `9.2.6 end of the stream: ${JSON.stringify(cut)} is discarded`,
    answer: firstThen({ chunks: ['retry: 10\nid: 1\ndata: a\n\n', cut] }, tellId),
    expected: ['a', 'came with 1'],
  })),
  {
    name: '9.2.6 end of the stream: a block that the next stream goes on with is two',
    answer: firstThen({ chunks: ['retry: 10\nid: 1\ndata: a\n\ndata: b\n'] }, () => ({
      chunks: ['\ndata: c\n\n', DONE],
      ends: false,
    })),
    expected: ['a', 'c'],
  },
  {
    // Not by the standard, nor in Firefox (docs/clients.md, C1): eventsource-parser does not hand over such a block, and the hub sends none.
    name: 'deviation: a block of an id alone does not move the position',
    answer: firstThen({ chunks: ['retry: 10\nid: 1\ndata: a\n\nid: 2\n\n'] }, tellId),
    expected: ['a', 'came with 1'],
  },
];
