const CRLF = '\r\n';

/**
 * The frames that some connections were given in one tick, in one order.
 *
 * Batches make a tree: each connection holds the batch that it has come to, and `append` moves it to the one with a
 * frame more, which the first connection makes and all that follow find. So connections that got the same frames hold
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
    const end = chunk.length - CRLF.length;
    return chunk.subarray(end - this.length, end);
  }

  private join(): Buffer {
    const head = this.length.toString(16) + CRLF;
    const chunk = Buffer.allocUnsafe(head.length + this.length + CRLF.length);
    chunk.write(head, 0, 'latin1');
    let end = head.length + this.length;
    chunk.write(CRLF, end, 'latin1');
    // oxlint-disable-next-line typescript/no-this-alias -- walks from the last frame to the first
    for (let batch: FrameBatch = this; batch.before && batch.frame; batch = batch.before) {
      end -= batch.frame.length;
      chunk.set(batch.frame, end);
    }
    return chunk;
  }
}
