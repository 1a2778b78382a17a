import { createServer, type ServerResponse } from 'node:http';
import { channelsOf } from '../event/channels.js';
import { ChannelMembers } from './channel-members.js';
import { listen } from './listen.js';
import { sseText } from './sse-text.js';

/** A client for which more than this waits is passed over: what then still grows is the kernel's and Node's own. */
const WAITING_LIMIT = 65_536;

/** Bare `node:http`: one buffer an event, `response.write` for each client. */
export async function startHttp(redisUrl: string): Promise<number> {
  const members = new ChannelMembers<ServerResponse>(redisUrl, (responses, message) => {
    const text = sseText(message);
    for (const response of responses) if (response.writableLength < WAITING_LIMIT) response.write(text);
  });
  const server = createServer((request, response) => {
    const channels = channelsOf(request.url ?? '');
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    response.flushHeaders();
    members.add(channels, response);
    response.once('close', () => members.remove(channels, response));
  });
  return listen(server);
}
