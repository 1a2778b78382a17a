import { Controller, Get } from '@nestjs/common';
import { serveRequests } from '@nestjs-sse-redis/testing/child';
import { serveApp } from '@nestjs-sse-redis/testing/serve-app';
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

const metadata = streamsModule(JSON.parse(options!) as SseRedisOptions);
const controllers = [...metadata.controllers, HealthController];
const app = await serveApp(
  { ...metadata, controllers },
  { adapter: await createAdapter(), logger: ['fatal'], port: Number(port) },
);
const hub = app.get(SseHub);

serveRequests(async (data) => (await hub.publish('news', { type: 'tick', data })).id);
