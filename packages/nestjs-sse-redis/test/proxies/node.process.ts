import 'reflect-metadata';
import { Controller, Get } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { announceReady, serveRequests } from '@nestjs-sse-redis/testing/child';
import { SseHub, type SseRedisOptions } from 'nestjs-sse-redis';
import { streamsModule } from '../clients/streams.app.js';

/** A process of the application on a port that its proxy knows, so that it comes back at the same address. */
const [, , adapter, port, options] = process.argv;

async function createAdapter() {
  if (adapter === 'fastify') {
    return new (await import('@nestjs/platform-fastify')).FastifyAdapter({ trustProxy: 'loopback' });
  }
  const express = new (await import('@nestjs/platform-express')).ExpressAdapter();
  express.set('trust proxy', 'loopback');
  return express;
}

/** Proxies ask for it. */
@Controller('health')
class HealthController {
  @Get()
  health(): string {
    return 'alive';
  }
}

class AppModule {}
const metadata = streamsModule(JSON.parse(options!) as SseRedisOptions);
const controllers = [...metadata.controllers, HealthController];
const app = await NestFactory.create({ module: AppModule, ...metadata, controllers }, await createAdapter(), {
  logger: ['fatal'],
});
app.enableShutdownHooks();
await app.listen(Number(port), '127.0.0.1');
const hub = app.get(SseHub);

serveRequests(async (data) => (await hub.publish('news', { type: 'tick', data })).id);
announceReady(Number(port));
