import { Random, SseParser, type SseBlock, type SseMessage } from '@nestjs-sse-redis/testing';
import { createParser } from 'eventsource-parser';

interface Reading {
  messages: SseMessage[];
  blocks: SseBlock[];
  comments: string[];
  lastEventId: string;
  retry: number | undefined;
}

function read(chunks: (string | Uint8Array)[], lastEventId = ''): Reading {
  const blocks: SseBlock[] = [];
  const comments: string[] = [];
  const parser = new SseParser({
    lastEventId,
    onBlock: (block) => blocks.push(block),
    onComment: (text) => comments.push(text),
  });
  for (const chunk of chunks) parser.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  const messages = blocks.flatMap(({ message }) => message ?? []);
  return { messages, blocks, comments, lastEventId: parser.lastEventId, retry: parser.retry };
}

function bytewise(text: string): Uint8Array[] {
  return [...Buffer.from(text)].map((byte) => Uint8Array.of(byte));
}

describe('the examples of the standard', () => {
  it('multi-line data', () => {
    const { messages } = read(['data: YHOO\ndata: +2\ndata: 10\n\n']);
    expect(messages).toEqual([{ id: '', type: 'message', data: 'YHOO\n+2\n10' }]);
  });

  it('a comment, an id, an emptied id, a space kept', () => {
    const stream =
      ': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n';
    const { messages, comments, lastEventId } = read([stream]);
    expect(messages).toEqual([
      { id: '1', type: 'message', data: 'first event' },
      { id: '', type: 'message', data: 'second event' },
      { id: '', type: 'message', data: ' third event' },
    ]);
    expect(comments).toEqual(['test stream']);
    expect(lastEventId).toBe('');
  });

  it('empty data, and an end that is not dispatched', () => {
    const { messages } = read(['data\n\ndata\ndata\n\ndata:']);
    expect(messages.map(({ data }) => data)).toEqual(['', '\n']);
  });

  it('drops one optional space', () => {
    const { messages } = read(['data:test\n\ndata: test\n\n']);
    expect(messages.map(({ data }) => data)).toEqual(['test', 'test']);
  });
});

describe('ids', () => {
  it('move with a block that has no data, which dispatches nothing', () => {
    const { messages, blocks, lastEventId } = read(['id: 7-1\n\n']);
    expect(messages).toEqual([]);
    expect(blocks).toEqual([{ raw: 'id: 7-1', id: '7-1', message: undefined, isPosition: true }]);
    expect(lastEventId).toBe('7-1');
  });

  it.each([
    'id: 7-1\nevent: position\ndata:\n\n',
    'id: 7-1\nevent: position\ndata: \n\n',
    'retry: 100\nid: 7-1\nevent: position\ndata:\n\n',
    'retry: 100\nid: 7-1\n\n',
  ])('move with a position, which is no message: %j', (text) => {
    const { messages, blocks, lastEventId } = read([text]);
    expect(messages).toEqual([]);
    expect(blocks).toMatchObject([{ id: '7-1', message: undefined, isPosition: true }]);
    expect(lastEventId).toBe('7-1');
  });

  it.each([
    ['data', 'id: 7-1\nevent: position\ndata: x\n\n', 'position'],
    ['another type', 'id: 7-1\nevent: positions\ndata:\n\n', 'positions'],
    ['no type', 'id: 7-1\ndata:\n\n', 'message'],
  ])('move with a message that has %s', (_, text, type) => {
    const { messages, blocks } = read([text]);
    expect(messages).toMatchObject([{ id: '7-1', type }]);
    expect(blocks).toMatchObject([{ isPosition: false }]);
  });

  it('stay where a block has none, which is no position', () => {
    expect(read(['retry: 100\n\n:hb\n\ndata: x\n\n'], '41').blocks).toMatchObject([
      { isPosition: false },
      { isPosition: false },
      { isPosition: false },
    ]);
  });

  it('do not move before the block ends', () => {
    expect(read(['id: 1\n\nid: 2\ndata: x\n']).lastEventId).toBe('1');
  });

  it('are ignored with a NUL in them', () => {
    const { messages } = read(['id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n']);
    expect(messages.map(({ id }) => id)).toEqual(['1', '1']);
  });

  it('stay for events without one, over a reconnect too', () => {
    expect(read(['data: a\n\n'], '41').messages).toEqual([{ id: '41', type: 'message', data: 'a' }]);
  });
});

describe('fields', () => {
  it('an event type lasts for its block, and an empty one is "message"', () => {
    const { messages } = read(['event: a\ndata: 1\n\ndata: 2\n\nevent:\ndata: 3\n\nevent: b\n\ndata: 4\n\n']);
    expect(messages.map(({ type }) => type)).toEqual(['a', 'message', 'message', 'message']);
  });

  it('retry takes digits alone', () => {
    expect(read(['retry: 100\n']).retry).toBe(100);
    expect(read(['retry: 100\n\nretry: 5s\nretry: -1\nretry:\nretry: ٣\n\n']).retry).toBe(100);
  });

  it('unknown ones, other cases and leading spaces are ignored', () => {
    expect(read(['Data: x\n data: x\ndatax: x\nfoo\n\n']).messages).toEqual([]);
  });

  it('a block keeps its lines as they came', () => {
    expect(read([':hb\r\nid: 3\r\ndata: é\r\n\r\n']).blocks[0]?.raw).toBe(':hb\nid: 3\ndata: é');
  });
});

describe('line ends and bytes', () => {
  const expected = [
    { id: '1', type: 'message', data: 'a\nb' },
    { id: '2', type: 't', data: 'c' },
  ];

  it.each(['\n', '\r', '\r\n'])('%j', (end) => {
    const text = ['id: 1', 'data: a', 'data: b', '', 'id: 2', 'event: t', 'data: c', '', ''].join(end);
    expect(read([text]).messages).toEqual(expected);
    expect(read(bytewise(text)).messages).toEqual(expected);
  });

  it('CR ends a line without waiting for what follows', () => {
    expect(read(['data: now\r\r']).messages).toHaveLength(1);
    expect(read(['data: now\r', '\n', '\r', '\ndata: then\r\n\r\n']).messages).toHaveLength(2);
  });

  it('swallows one BOM at the very start, whole or in pieces, and nowhere else', () => {
    expect(read(['\uFEFFdata: x\n\n']).messages).toHaveLength(1);
    expect(read(bytewise('\uFEFFdata: x\n\n')).messages).toHaveLength(1);
    expect(read(['\uFEFF\uFEFFdata: x\n\n']).messages).toHaveLength(0);
    expect(read(['data: 1\n\n', '\uFEFFdata: 2\n\n']).messages).toHaveLength(1);
  });

  it('characters cut in two by a chunk stay whole, broken ones are replaced', () => {
    expect(read(bytewise('data: añ€😀\n\n')).messages[0]?.data).toBe('añ€😀');
    expect(read([Buffer.from('data: '), Uint8Array.of(0xff, 0x41), '\n\n']).messages[0]?.data).toBe(
      '\uFFFDA',
    );
  });
});

describe('against eventsource-parser', () => {
  const pieces = [
    ...['\n', '\r', '\r\n', '\n\n', '\r\r', '\r\n\r\n', '\n\n'],
    ...['data: y\n', 'data:z\r\n\r\n', 'event: t\n', 'id: 7-1\n', 'retry: 3\r', ': note\n'],
    ...['data', 'data:', 'data: ', 'event: ', 'event:', 'id: ', 'id:', 'id', 'retry: ', 'retry', ':', ': '],
    ...[
      'x',
      '42',
      ' ',
      '\0',
      '€',
      '😀',
      '\u2028',
      '\u0085',
      '\v',
      'dataset: 1',
      '\uFEFF',
      'long '.repeat(20),
    ],
  ];

  function theirReading(chunks: Uint8Array[]): object {
    const events: object[] = [];
    const comments: string[] = [];
    let retry: number | undefined;
    const parser = createParser({
      onEvent: ({ id, event, data }) => events.push({ id, type: event ?? 'message', data }),
      onComment: (text) => comments.push(text),
      onRetry: (ms) => (retry = ms),
    });
    const decoder = new TextDecoder();
    for (const chunk of chunks) parser.feed(decoder.decode(chunk, { stream: true }));
    return { events, comments, retry };
  }

  function ourReading(chunks: Uint8Array[]): object {
    const { blocks, comments, retry } = read(chunks);
    // Theirs names the id that the block itself has set.
    const events = blocks.flatMap(({ id, message }) =>
      message ? [{ id, type: message.type, data: message.data }] : [],
    );
    return { events, comments, retry };
  }

  it('reads 5,000 random streams alike, in random chunks', () => {
    let dispatched = 0;
    for (let seed = 1; seed <= 5000; seed++) {
      const random = new Random(seed);
      const text = Array.from({ length: random.int(100) }, () => random.pick(pieces)).join('');
      // Theirs keeps a CR that ends a chunk to itself until another line end comes.
      const bytes = Buffer.from(`${text}\n`);
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < bytes.length;) {
        const size = 1 + random.int(random.chance(0.5) ? 4 : 60);
        chunks.push(bytes.subarray(at, at + size));
        at += size;
      }
      const ours = ourReading(chunks);
      expect({ seed, ...ours }).toEqual({ seed, ...theirReading(chunks) });
      dispatched += (ours as { events: object[] }).events.length;
    }
    expect(dispatched).toBeGreaterThan(5000); // or nothing was compared
  });
});
