import { createServer, type Socket } from 'node:net';
import { channelsOf } from '../event/channels.js';
import { ChannelMembers } from './channel-members.js';
import { listen } from './listen.js';
import { sseText } from './sse-text.js';

const HEADERS =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n';

/** The floor: bare sockets, and one buffer an event that is written to each of them. */
export async function startNet(redisUrl: string): Promise<number> {
  const members = new ChannelMembers<Socket>(redisUrl, (sockets, message) => {
    const text = sseText(message);
    const chunk = Buffer.concat([Buffer.from(`${text.length.toString(16)}\r\n`), text, Buffer.from('\r\n')]);
    for (const socket of sockets) socket.write(chunk);
  });
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (request) => {
      const [, url] = request.toString('latin1').split(' ', 2) as [string, string];
      const channels = channelsOf(url);
      socket.write(HEADERS);
      members.add(channels, socket);
      socket.once('close', () => members.remove(channels, socket));
    });
  });
  return listen(server);
}
