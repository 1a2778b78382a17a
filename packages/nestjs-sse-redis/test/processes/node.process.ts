import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { announceReady, serveRequests } from '@nestjs-sse-redis/testing/child';
import { SseHub, type ChannelEventInput, type SseRedisOptions } from 'nestjs-sse-redis';
import type { AddressInfo } from 'node:net';
import { newsModule } from '../http/news.app.js';

/** One node of an application, as it is deployed: its adapter and its options come in the arguments. */
const [, , adapter, options] = process.argv;
const { imports, controllers } = newsModule(JSON.parse(options!) as SseRedisOptions);
class AppModule {}
const app = await NestFactory.create({ module: AppModule, imports, controllers }, await createAdapter(), {
  logger: ['error', 'fatal'],
});
app.enableShutdownHooks();
await app.listen(0, '127.0.0.1');
const hub = app.get(SseHub);

async function createAdapter() {
  if (adapter === 'fastify') return new (await import('@nestjs/platform-fastify')).FastifyAdapter();
  return new (await import('@nestjs/platform-express')).ExpressAdapter();
}

export interface NodeRequest {
  readonly publish?: ChannelEventInput[];
}

serveRequests(async (message) => {
  const { publish = [] } = message as NodeRequest;
  const results = await hub.publishMany(publish);
  return results.map((result) => ('id' in result ? result : { error: result.error.message }));
});
announceReady((app.getHttpServer().address() as AddressInfo).port);
