import { connect, type Socket } from 'node:net';
import { pathOf } from '../event/channels.js';
import { StreamVerifier, type Tally } from './stream-verifier.js';

export interface ClientOptions {
  readonly port: number;
  readonly session: string;
  readonly from: number;
  readonly count: number;
  /** Stops reading once it has the headers. */
  readonly stalls: boolean;
}

/** One buffer for all sockets: each chunk is read before the next one arrives. */
const shared = Buffer.allocUnsafe(256 * 1024);

/** One connection, as cheap as can be: no HTTP parser, no stream of chunks, no copy. */
export class LoadClient {
  readonly verifier: StreamVerifier;
  /** Resolves when the headers are there. */
  readonly opened: Promise<void>;
  private readonly socket: Socket;
  private headers: string | undefined = '';
  private closing = false;

  constructor(
    readonly options: ClientOptions,
    tally: Tally,
    fail: (error: Error) => void,
  ) {
    const { port, from, count, stalls } = options;
    this.verifier = new StreamVerifier(tally, from, count);
    let open: () => void;
    this.opened = new Promise((resolve) => (open = resolve));
    const onBytes = (bytes: Buffer): void => {
      try {
        const events = this.headers === undefined ? bytes : this.afterHeaders(bytes);
        if (!events) return;
        if (stalls) this.socket.pause();
        else this.verifier.read(events);
        open();
      } catch (error) {
        fail(error as Error);
      }
    };
    this.socket = connect({
      port,
      host: '127.0.0.1',
      onread: {
        buffer: shared,
        callback: (length, buffer) => {
          onBytes(buffer.subarray(0, length) as Buffer);
          return true;
        },
      },
    });
    this.socket.once('connect', () => this.socket.write(this.request()));
    this.socket.once('error', (error) => fail(error));
    this.socket.once('close', () => {
      // A stalled client may be closed for it.
      if (!this.closing && !stalls) fail(new Error('the server closed a connection'));
    });
  }

  /** Without TIME_WAIT: thousands of connections come and go. */
  close(): void {
    this.closing = true;
    this.socket.resetAndDestroy();
  }

  private request(): string {
    return `GET ${pathOf(this.options)} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`;
  }

  /** What follows the headers, once they are whole. */
  private afterHeaders(bytes: Buffer): Buffer | undefined {
    const read = this.headers + bytes.toString('latin1');
    this.headers = read;
    const end = read.indexOf('\r\n\r\n');
    if (end === -1) return undefined;
    if (!read.startsWith('HTTP/1.1 200')) throw new Error(`refused: ${read.slice(0, 200)}`);
    this.headers = undefined;
    return Buffer.from(read.slice(end + 4), 'latin1');
  }
}
