import { connect, type Socket } from 'node:net';
import { pathOf, type ChannelRange } from '../event/channels.js';

const ID = /^id: ?(.+)$/gm;

/** A client that comes back with the id that it was told last, where its server tells one. */
export class StormClient {
  private socket: Socket | undefined;
  private lastId: string | undefined;

  constructor(private readonly range: ChannelRange) {}

  /**
   * @param isWhole whether the stream tells an id as it begins: a client is back when it has one
   * @param onClosed called when the server has closed the stream
   * @returns resolves when the stream has begun
   */
  open(port: number, isWhole: boolean, onClosed: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      let text = '';
      const socket = (this.socket = connect({ port, host: '127.0.0.1' }));
      socket.once('connect', () => socket.write(this.request()));
      socket.on('error', reject);
      socket.once('close', onClosed);
      socket.on('data', (bytes) => {
        text += bytes.toString('latin1');
        if (!text.includes('\r\n\r\n')) return;
        if (!text.startsWith('HTTP/1.1 200')) return reject(new Error(`refused: ${text.slice(0, 200)}`));
        const ids = [...text.matchAll(ID)];
        this.lastId = ids.at(-1)?.[1] ?? this.lastId;
        if (isWhole && ids.length === 0) return;
        // What follows is not read: a position now and then.
        socket.removeAllListeners('data').resume();
        resolve();
      });
    });
  }

  close(): void {
    this.socket?.removeAllListeners('close').resetAndDestroy();
  }

  private request(): string {
    const id = this.lastId === undefined ? '' : `Last-Event-ID: ${this.lastId}\r\n`;
    return `GET ${pathOf(this.range)} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n${id}\r\n`;
  }
}
