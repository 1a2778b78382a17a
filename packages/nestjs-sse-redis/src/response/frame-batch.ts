const CR = 0x0d;
const LF = 0x0a;
const HEX = Buffer.from('0123456789abcdef');

/**
 * The frames that some connections were given in one tick, in one order.
 *
 * Batches make a tree: each connection holds the batch that it has come to, and `append` moves it to the one with a
 * frame more. The first connection makes that one, and all that follow find it. So connections that got the same frames hold
 * the same batch, and its frames are joined once, however many connections write them.
 */
export class FrameBatch {
  /** Of its frames, in bytes. */
  readonly length: number;
  /** The batch with a frame more that was asked for last: an event is given to all connections before the next one is. */
  private next: FrameBatch | undefined;
  private joined: Buffer | undefined;

  constructor(
    private readonly before?: FrameBatch,
    private readonly frame?: Buffer,
  ) {
    this.length = before && frame ? before.length + frame.length : 0;
  }

  append(frame: Buffer): FrameBatch {
    const { next } = this;
    return next?.frame === frame ? next : (this.next = new FrameBatch(this, frame));
  }

  /** The frames as the one chunk of a chunked body: its length in hexadecimal, the frames, each in CR LF (RFC 9112, 7.1). */
  get chunk(): Buffer {
    return (this.joined ??= this.join());
  }

  /** The frames alone, for who makes chunks of its own. */
  get frames(): Buffer {
    if (this.frame && this.before?.length === 0) return this.frame;
    const { chunk } = this;
    const end = chunk.length - 2;
    return chunk.subarray(end - this.length, end);
  }

  private join(): Buffer {
    let digits = 1;
    for (let rest = this.length; rest > 0xf; rest >>>= 4) digits++;
    const chunk = Buffer.allocUnsafe(digits + this.length + 4);
    // Byte by byte, since each call out of JavaScript would take longer than all of this.
    for (let i = digits - 1, rest = this.length; i >= 0; i--, rest >>>= 4) chunk[i] = HEX[rest & 0xf]!;
    chunk[digits] = CR;
    chunk[digits + 1] = LF;
    let end = digits + 2 + this.length;
    chunk[end] = CR;
    chunk[end + 1] = LF;
    // oxlint-disable-next-line typescript/no-this-alias -- walks from the last frame to the first
    for (let batch: FrameBatch = this; batch.before && batch.frame; batch = batch.before) {
      end -= batch.frame.length;
      chunk.set(batch.frame, end);
    }
    return chunk;
  }
}
