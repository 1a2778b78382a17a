import { type Channel, createChannel, createSession, type Session } from 'better-sse';
import { Redis } from 'ioredis';
import { createServer } from 'node:http';
import { channelsOf } from '../event/channels.js';
import { listen } from './listen.js';

/** Its sessions and channels on `node:http`, which its documentation begins with. */
export async function startBetterSse(redisUrl: string): Promise<number> {
  const redis = new Redis(redisUrl);
  const channels = new Map<string, Channel>();
  redis.on('message', (name, message) => channels.get(name)?.broadcast(message));

  const join = (name: string, session: Session): void => {
    let channel = channels.get(name);
    if (!channel) {
      channel = createChannel();
      channels.set(name, channel);
      void redis.subscribe(name);
    }
    channel.register(session);
  };
  const server = createServer((request, response) => {
    void createSession(request, response).then((session) => {
      for (const name of channelsOf(request.url ?? '')) join(name, session);
    });
  });
  return listen(server);
}
