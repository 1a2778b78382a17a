import { SseRedisError } from '../errors/sse-redis.error.js';
import type { ClientStream } from './client-stream.js';
import type { Clients } from './clients.js';
import type { ConnectionTarget, Ruling, RulingResult } from './ruling.js';

/** Does what was asked to those connections that are in this process. Never rejects. */
export async function rule(clients: Clients, nodeId: string, ruling: Ruling): Promise<RulingResult> {
  const streams = targets(clients, nodeId, ruling.target).filter(
    (stream) => !('secret' in ruling) || ruling.secret === undefined || stream.isSecret(ruling.secret),
  );
  try {
    const refused = await Promise.all(streams.map((stream) => apply(clients, stream, ruling)));
    const done = refused.filter((channels) => channels !== undefined);
    return { connections: done.length, refused: [...new Set(done.flat())] };
  } catch (error) {
    const code = error instanceof SseRedisError ? error.code : 'INTERNAL_ERROR';
    return {
      connections: 0,
      refused: [],
      error: { code, message: error instanceof Error ? error.message : String(error) },
    };
  }
}

/** Returns the channels that were refused, or undefined if the stream was over before it could be done. */
async function apply(clients: Clients, stream: ClientStream, ruling: Ruling): Promise<string[] | undefined> {
  switch (ruling.do) {
    case 'send': {
      // After its opening, but not in turn: a client that reads slowly must not hold up what else is done to it.
      await stream.inTurn(() => Promise.resolve());
      return (await stream.connection?.send(ruling.text)) === true ? [] : undefined;
    }
    case 'disconnect':
      if (!(await stream.response.opened())) return undefined;
      clients.end(stream, { reason: ruling.reason, retry: ruling.reconnect });
      return [];
    case 'subscribe':
      return clients.subscribe(stream, ruling.channels, ruling.after);
    case 'unsubscribe':
      await clients.unsubscribe(stream, ruling.channels);
      return [];
    case 'reauthorize':
      await clients.reauthorize(stream);
      return [];
    default:
      // Of a newer version, in the midst of a deploy.
      throw new TypeError('This process does not know what is asked of it.');
  }
}

function targets(clients: Clients, nodeId: string, target: ConnectionTarget | undefined): ClientStream[] {
  if (target && 'connection' in target) {
    const stream = clients.find(target.connection);
    return stream ? [stream] : [];
  }
  return [...clients.all].filter((stream) => {
    if (!target) return true;
    if ('user' in target) return stream.user === target.user;
    if ('node' in target) return nodeId === target.node;
    // While it is being opened it is on the channels that it asked for.
    const channels = stream.connection ? stream.channels : (stream.registered?.channels ?? []);
    return channels.includes(target.channel);
  });
}
