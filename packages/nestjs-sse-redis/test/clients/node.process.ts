import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { announceReady, serveRequests, tellParent } from '@nestjs-sse-redis/testing/child';
import { SseHub, type SseRedisOptions } from 'nestjs-sse-redis';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { NodeRequest, Visit } from './node-messages.js';
import { Gate, streamsModule } from './streams.app.js';

const [, , adapter, options] = process.argv;

/** Loads only the adapter that is used: every scenario starts two processes. */
async function createAdapter() {
  if (adapter === 'fastify') return new (await import('@nestjs/platform-fastify')).FastifyAdapter();
  return new (await import('@nestjs/platform-express')).ExpressAdapter();
}

/** Reports requests from outside of Nest, so that the observed pipeline is the one of an application. */
function reportVisits(request: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url!, 'http://localhost');
  if (pathname !== '/streams') return;
  const visit: Visit = { who: `${searchParams.get('fleet')}/${searchParams.get('client')}` };
  tellParent(visit);
  response.once('close', () => tellParent({ ...visit, status: response.statusCode } satisfies Visit));
}

class AppModule {}
const metadata = streamsModule(JSON.parse(options!) as SseRedisOptions);
const app = await NestFactory.create({ module: AppModule, ...metadata }, await createAdapter(), {
  logger: ['error', 'fatal'],
});
app.enableShutdownHooks();
await app.listen(0, '127.0.0.1');
const server = app.getHttpServer() as Server;
server.prependListener('request', reportVisits);
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
announceReady((server.address() as AddressInfo).port);
