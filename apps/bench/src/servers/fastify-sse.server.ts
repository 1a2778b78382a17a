import fastifySse, { type SSEReplyInterface } from '@fastify/sse';
import { fastify } from 'fastify';
import type { AddressInfo } from 'node:net';
import { channelsOf } from '../event/channels.js';
import { ChannelMembers } from './channel-members.js';

/** The plugin has no channels: who is on one is what an application keeps. */
export async function startFastifySse(redisUrl: string): Promise<number> {
  const members = new ChannelMembers<SSEReplyInterface>(redisUrl, (replies, message) => {
    const data = message.toString();
    for (const reply of replies) void reply.send({ data });
  });
  const app = fastify();
  await app.register(fastifySse.default);
  app.get('/events', { sse: 'only' }, async (request, reply) => {
    const channels = channelsOf(request.url);
    reply.sse.keepAlive();
    reply.sse.sendHeaders();
    reply.raw.flushHeaders(); // the plugin leaves them until the first event
    members.add(channels, reply.sse);
    reply.sse.onClose(() => members.remove(channels, reply.sse));
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
}
