import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { announceReady, serveRequests } from '@nestjs-sse-redis/testing/child';
import { SseHub, SseRedisError, type SseRedisOptions } from 'nestjs-sse-redis';
import type { AddressInfo } from 'node:net';
import { newsModule } from '../http/news.app.js';
import type { NodeReply, NodeRequest } from './node-request.js';

/** One node of an application, as it is deployed: its adapter and its options come in the arguments. */
const [, , adapter, options] = process.argv;
const { imports, controllers } = newsModule(JSON.parse(options!) as SseRedisOptions);
class AppModule {}
const app = await NestFactory.create({ module: AppModule, imports, controllers }, await createAdapter(), {
  logger: ['error', 'fatal', 'warn'],
});
app.enableShutdownHooks();
await app.listen(0, '127.0.0.1');
const hub = app.get(SseHub);

async function createAdapter() {
  if (adapter === 'fastify') return new (await import('@nestjs/platform-fastify')).FastifyAdapter();
  return new (await import('@nestjs/platform-express')).ExpressAdapter();
}

/** As a handler that computes does: nothing else runs meanwhile. */
function blockEventLoop(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

async function answer(request: NodeRequest): Promise<NodeReply> {
  switch (request.kind) {
    case 'publish': {
      const began = performance.now();
      const results = await hub.publishMany(request.events);
      const ms = performance.now() - began;
      const published = results.map((result) => {
        if ('id' in result) return result;
        const { error } = result;
        return { code: error instanceof SseRedisError ? error.code : error.name, message: error.message };
      });
      return { published, ms };
    }
    case 'block':
      blockEventLoop(request.ms);
      return {};
    case 'memory':
      globalThis.gc?.();
      return { rss: process.memoryUsage().rss };
    case 'cursor':
      return { cursor: await hub.cursor() };
    default:
      throw new TypeError('No such request.');
  }
}

serveRequests((message) => answer(message as NodeRequest));
announceReady((app.getHttpServer().address() as AddressInfo).port);
