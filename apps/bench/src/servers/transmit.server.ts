import { Transmit } from '@boringnode/transmit';
import { redis } from '@boringnode/bus/transports/redis';
import { createServer } from 'node:http';
import { channelsOf } from '../event/channels.js';
import { listen } from './listen.js';

/** Its streams on `node:http`, and its own Redis transport. */
export async function startTransmit(redisUrl: string): Promise<number> {
  const { hostname: host, port } = new URL(redisUrl);
  const driver = redis({ host, port: Number(port) });
  const transmit = new Transmit<undefined>({ pingInterval: false, transport: { driver } }, driver());
  let lastUid = 0;
  const server = createServer((request, response) => {
    const uid = String(++lastUid);
    transmit.createStream({ uid, context: undefined, request, response, injectResponseHeaders: {} });
    for (const channel of channelsOf(request.url ?? '')) {
      void transmit.subscribe({ uid, channel, context: undefined, skipAuthorization: true });
    }
  });
  return listen(server);
}
