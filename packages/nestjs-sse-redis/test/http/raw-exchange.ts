import { SseParser, until, type SseMessage } from '@nestjs-sse-redis/testing';
import { connect, type Socket } from 'node:net';

/** What a client that speaks HTTP by itself sends and gets: for requests that no HTTP client makes. */
export class RawExchange {
  private readonly received: Buffer[] = [];

  private constructor(private readonly socket: Socket) {
    socket.on('data', (data) => this.received.push(data));
    // A server that goes is the end of what is received.
    socket.on('error', () => undefined);
  }

  static open(url: string, request: string): RawExchange {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.write(request);
    return new RawExchange(socket);
  }

  get text(): string {
    return Buffer.concat(this.received).toString();
  }

  /** The answers, in their order, each with its head and its body, without the framing of chunks. */
  get answers(): { readonly head: string; readonly body: string }[] {
    const answers: { head: string; body: string }[] = [];
    let rest: Buffer = Buffer.concat(this.received);
    while (rest.length > 0) {
      const end = rest.indexOf('\r\n\r\n');
      if (end < 0) break;
      const head = rest.subarray(0, end).toString();
      const length = /content-length: (\d+)/i.exec(head);
      rest = rest.subarray(end + 4);
      const { body, after } = /transfer-encoding: chunked/i.test(head)
        ? unchunk(rest)
        : cut(rest, length ? Number(length[1]) : rest.length);
      answers.push({ head, body: body.toString() });
      rest = after;
    }
    return answers;
  }

  /** What is in the last answer, which is an event stream, once there are so many. */
  async messages(count: number): Promise<SseMessage[]> {
    const parse = (): SseMessage[] => {
      const messages: SseMessage[] = [];
      const parser = new SseParser({ onBlock: ({ message }) => message && messages.push(message) });
      parser.push(Buffer.from(this.answers.at(-1)?.body ?? ''));
      return messages;
    };
    await until(() => parse().length >= count, { message: `${count} messages` });
    return parse();
  }

  close(): void {
    this.socket.destroy();
  }
}

function cut(bytes: Buffer, length: number): { body: Buffer; after: Buffer } {
  return { body: bytes.subarray(0, length), after: bytes.subarray(length) };
}

/** @throws Error where the framing is broken */
function unchunk(bytes: Buffer): { body: Buffer; after: Buffer } {
  const chunks: Buffer[] = [];
  let rest = bytes;
  for (;;) {
    const end = rest.indexOf('\r\n');
    if (end < 0) break;
    const size = rest.subarray(0, end).toString('latin1');
    if (!/^[0-9a-f]+$/i.test(size)) throw new Error(`no length of a chunk: ${JSON.stringify(size)}`);
    const length = Number.parseInt(size, 16);
    const start = end + 2;
    if (rest.length < start + length + 2) break;
    if (rest.toString('latin1', start + length, start + length + 2) !== '\r\n')
      throw new Error('a chunk is longer than it says');
    chunks.push(rest.subarray(start, start + length));
    rest = rest.subarray(start + length + 2);
    if (length === 0) return { body: Buffer.concat(chunks), after: rest };
  }
  return { body: Buffer.concat(chunks), after: Buffer.alloc(0) };
}
