import { SseParser } from '@nestjs-sse-redis/testing';
import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ForeignBlocks, LONGEST_HELD_BLOCK } from '../../src/response/foreign-blocks.js';

const ID = '1795741897877-1';

/** What others write, and what a client is to have of it: type and data. */
const TEXTS: [string, string, [string, string][]][] = [
  ['a message as Nest writes it', 'event: ping\nid: 1\ndata: x\n\n', [['ping', 'x']]],
  ['an id without a space, without a value, twice', 'id:5\nid\nid: 6\ndata: x\n\n', [['message', 'x']]],
  ['an id alone', 'id: 5\n\ndata: x\n\n', [['message', 'x']]],
  ['an id in other letters, for lenient clients', ' id : 5\nID: 6\ndata: x\n\n', [['message', 'x']]],
  ['an id behind a byte order mark', '\ufeffid: 5\ndata: x\n\n', [['message', 'x']]],
  ['CR LF', 'id: 5\r\nevent: a\r\ndata: 1\r\ndata: 2\r\n\r\ndata: 3\r\n\r\n', [['a', '1\n2'], ['message', '3']]], // prettier-ignore
  ['lone CRs', 'id: 5\rdata: 1\r\rid: 6\rdata: 2\r\r', [['message', '1'], ['message', '2']]], // prettier-ignore
  ['mixed line ends', 'data: 1\r\n\ndata: 2\n\rdata: 3\r\r\n', [['message', '1'], ['message', '2'], ['message', '3']]], // prettier-ignore
  ['text of several bytes a character', 'id: ü\ndata: größ 漢 😀\n\n', [['message', 'größ 漢 😀']]],
  ['comments, retry and unknown fields', ': c\nretry: 7\nidx: 1\ndata: id: 5\n\n', [['message', 'id: 5']]],
  ['a block that never ends', 'data: x\n\nid: 5\ndata: y\n', [['message', 'x']]],
];

const toText = (bytes: Buffer): string => bytes.toString('latin1');

function rewrite(pieces: readonly Buffer[], id: string | undefined): string[] {
  const blocks = new ForeignBlocks();
  return pieces.map((piece) => blocks.push(toText(piece), id));
}

/** What a client has of it that keeps to the standard: it begins without an id. */
function read(text: string): { messages: [string, string][]; ids: (string | undefined)[]; raw: string[] } {
  const messages: [string, string][] = [];
  const ids: (string | undefined)[] = [];
  const raw: string[] = [];
  const parser = new SseParser({
    onBlock: (block) => {
      raw.push(block.raw);
      ids.push(block.id);
      if (block.message) messages.push([block.message.type, block.message.data]);
    },
  });
  parser.push(Buffer.from(text, 'latin1'));
  return { messages, ids, raw };
}

describe('blocks of other writers', () => {
  afterEach(() => jest.restoreAllMocks());

  describe.each(TEXTS)('%s', (_name, text, expected) => {
    const bytes = Buffer.from(text);

    it('carries the client’s id in every block, and its own messages', () => {
      const { messages, ids } = read(rewrite([bytes], ID).join(''));
      expect(messages).toEqual(expected);
      expect(ids).toEqual(ids.map(() => ID));
    });

    it('carries no id where the client has none', () => {
      const { messages, ids } = read(rewrite([bytes], undefined).join(''));
      expect(messages).toEqual(expected);
      expect(ids).toEqual(ids.map(() => undefined));
    });

    it('leaves in whole blocks, and the same, however it is split', () => {
      const whole = rewrite([bytes], ID).join('');
      for (let first = 0; first <= bytes.length; first++) {
        for (let second = first; second <= bytes.length; second++) {
          const pieces = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)];
          const parts = rewrite(pieces, ID);
          expect(parts.join('')).toBe(whole);
          for (const part of parts) expect(part).toMatch(/^$|\n\n$/);
        }
      }
      expect(rewrite(Array.from(bytes, (byte) => Buffer.of(byte)), ID).join('')).toBe(whole); // prettier-ignore
    });

    it('would carry other ids, or end within a block, if it were not rewritten (negative control)', () => {
      const { ids } = read(toText(bytes));
      expect(ids.every((id) => id === ID) && toText(bytes).endsWith('\n\n')).toBe(false);
    });
  });

  it('keeps comments, retry and unknown fields', () => {
    expect(rewrite([Buffer.from(': c\nretry: 7\nid: 5\nidx: 1\ndata: x\n\n')], ID)).toEqual([
      `id: ${ID}\n: c\nretry: 7\nidx: 1\ndata: x\n\n`,
    ]);
  });

  it('is dropped with one warning when it waits too long for its blank line', () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const blocks = new ForeignBlocks();
    const line = `data: ${'x'.repeat(100_000)}\n`;
    for (let length = 0; length <= LONGEST_HELD_BLOCK; length += line.length) {
      expect(blocks.push(line, ID)).toBe('');
    }
    expect(blocks.push('id: 5\ndata: the rest\n\n', ID)).toBe('');
    expect(blocks.push('data: next\n\n', ID)).toBe(`id: ${ID}\ndata: next\n\n`);
    expect(blocks.push('y'.repeat(LONGEST_HELD_BLOCK + 1), ID)).toBe('');
    expect(blocks.push('y\n\ndata: last\n\n', ID)).toBe(`id: ${ID}\ndata: last\n\n`);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('blank line'));
  });

  it('may be longer than what waits, if it is written whole', () => {
    const data = 'x'.repeat(2 * LONGEST_HELD_BLOCK);
    const [text] = rewrite([Buffer.from(`id: 5\ndata: ${data}\n\n`)], ID);
    expect(text).toBe(`id: ${ID}\ndata: ${data}\n\n`);
  });
});
