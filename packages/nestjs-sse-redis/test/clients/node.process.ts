import { serveRequests, tellParent } from '@nestjs-sse-redis/testing/child';
import { serveApp } from '@nestjs-sse-redis/testing/serve-app';
import { SseHub, type SseRedisOptions } from 'nestjs-sse-redis';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { NodeRequest, Visit } from './node-messages.js';
import { Gate, streamsModule } from './streams.app.js';

const [, , adapter, options] = process.argv;

/** Reports requests from outside of Nest, so that the observed pipeline is the one of an application. */
function reportVisits(request: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url!, 'http://localhost');
  if (pathname !== '/streams') return;
  const visit: Visit = { who: `${searchParams.get('fleet')}/${searchParams.get('client')}` };
  tellParent(visit);
  response.once('close', () => tellParent({ ...visit, status: response.statusCode } satisfies Visit));
}

const app = await serveApp(streamsModule(JSON.parse(options!) as SseRedisOptions), { adapter });
(app.getHttpServer() as Server).prependListener('request', reportVisits);
const hub = app.get(SseHub);
const gate = app.get(Gate);

async function answer(request: NodeRequest): Promise<unknown> {
  switch (request.kind) {
    case 'publish': {
      const results = await hub.publishMany(request.events);
      return results.map((result) => {
        if ('error' in result) throw result.error;
        return result.id;
      });
    }
    case 'history': {
      const { events } = await hub.history(request.channel, { limit: 1_000 });
      return events.map(({ id }) => id);
    }
    case 'gate':
      return request.open ? gate.open() : gate.close();
    case 'disconnect':
      return hub.disconnect({ channel: request.channel }, { reason: request.reason });
    default:
      throw new TypeError('No such request.');
  }
}

serveRequests((message) => answer(message as NodeRequest));
