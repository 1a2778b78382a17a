import { connect, type Socket } from 'node:net';
import { until } from './until.js';

/** How many are connecting at a time: a listen queue is not endless. */
const CONNECTING_AT_ONCE = 200;

export interface CrowdMember {
  readonly path: string;
  readonly headers?: Record<string, string>;
}

/** A thousand event streams that cost next to nothing: raw sockets that look only for what tells that they are open. */
export class Crowd {
  private readonly sockets: Socket[] = [];
  /** Streams that have been told where they stand. */
  open = 0;
  /** Streams that were told an error, or answered with another status. */
  refused = 0;
  /** Streams that are over. */
  closed = 0;

  /** Connects all, and resolves when each is open, or refused. */
  static async connect(port: number, members: readonly CrowdMember[], timeout = 60_000): Promise<Crowd> {
    const crowd = new Crowd();
    for (let i = 0; i < members.length; i += CONNECTING_AT_ONCE) {
      for (const member of members.slice(i, i + CONNECTING_AT_ONCE)) crowd.add(port, member);
      const wanted = Math.min(i + CONNECTING_AT_ONCE, members.length);
      await until(() => crowd.open + crowd.refused + crowd.closed >= wanted, {
        timeout,
        message: `${wanted} streams are open`,
      });
    }
    return crowd;
  }

  /** Drops some of those that are left, or all. */
  drop(count = this.sockets.length): void {
    for (const socket of this.sockets.splice(0, count)) socket.destroy();
  }

  private add(port: number, { path, headers = {} }: CrowdMember): void {
    const socket = connect(port, '127.0.0.1');
    // A test that fails before its drop() must not keep the runner from ending.
    socket.unref();
    this.sockets.push(socket);
    const lines = Object.entries({ host: 'localhost', accept: 'text/event-stream', ...headers });
    socket.write(
      `GET ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n`,
    );
    socket.setEncoding('latin1');
    let head: string | undefined = '';
    socket.on('data', (text: string) => {
      if (head === undefined) return;
      head += text;
      // Whole blocks only: a refusal may begin with the id that the client came with.
      const blocks = head.slice(0, head.lastIndexOf('\n\n') + 1);
      const isRefused = /^event: error$/m.test(blocks) || /^HTTP\/1\.1 (?!200)/.test(head);
      if (!isRefused && !/^id: \d/m.test(blocks)) return;
      // From here on it is not looked at any more.
      head = undefined;
      if (isRefused) this.refused++;
      else this.open++;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.closed++);
  }
}
