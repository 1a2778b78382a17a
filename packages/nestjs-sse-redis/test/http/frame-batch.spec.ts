import { FrameBatch } from '../../src/response/frame-batch.js';

const frame = (text: string): Buffer => Buffer.from(text);

describe('FrameBatch', () => {
  it('is one batch for all that were given the same frames in the same order', () => {
    const [a, b] = [frame('a'), frame('b')];
    const empty = new FrameBatch();
    const first = empty.append(a);
    expect(empty.append(a)).toBe(first);
    expect(first.append(b)).toBe(empty.append(a).append(b));
    expect(empty.append(b)).not.toBe(first.append(b));
    expect(first.append(b).chunk).toBe(first.append(b).chunk);
  });

  it('keeps apart what is of the same length, or in another order', () => {
    const [a, b] = [frame('a'), frame('b')];
    const ab = new FrameBatch().append(a).append(b);
    const ba = new FrameBatch().append(b).append(a);
    expect([ab, ba].map(({ frames }) => frames.toString())).toEqual(['ab', 'ba']);
  });

  it('makes of its frames a chunk, which says their length in bytes', () => {
    const batch = new FrameBatch().append(frame('data: ä\n\n')).append(frame('data: 漢字😀\n\n'));
    const text = 'data: ä\n\ndata: 漢字😀\n\n';
    expect(batch.length).toBe(Buffer.byteLength(text));
    expect(batch.chunk.toString()).toBe(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
    expect(batch.frames.toString()).toBe(text);
  });

  it('gives a single frame away as it is, not a copy', () => {
    const only = frame('data: x\n\n');
    expect(new FrameBatch().append(only).frames).toBe(only);
    expect(new FrameBatch().append(only).chunk.toString()).toBe('9\r\ndata: x\n\n\r\n');
  });

  it('joins hundreds', () => {
    const frames = Array.from({ length: 500 }, (_, i) => frame(`id: ${i}\n\n`));
    const batch = frames.reduce((sofar, next) => sofar.append(next), new FrameBatch());
    expect(batch.frames.equals(Buffer.concat(frames))).toBe(true);
  });
});
