import 'reflect-metadata';
import type { LogLevel } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { announceReady } from '@nestjs-sse-redis/testing/child';
import { SseHub, type SseRedisOptions } from 'nestjs-sse-redis';
import type { AddressInfo } from 'node:net';
import { newsModule } from './news.app.js';

/** Runs the news application as one node of a deployment: its adapter and its options come in the arguments. */
export async function startNewsNode(logger: LogLevel[]): Promise<SseHub> {
  const [, , adapter, options] = process.argv;
  const { imports, controllers } = newsModule(JSON.parse(options!) as SseRedisOptions);
  class AppModule {}
  const module = { module: AppModule, imports, controllers };
  const app = await NestFactory.create(module, await createAdapter(adapter), { logger });
  app.enableShutdownHooks();
  await app.listen(0, '127.0.0.1');
  announceReady((app.getHttpServer().address() as AddressInfo).port);
  return app.get(SseHub);
}

/** Loads only the adapter that is used: processes are started by the dozen. */
async function createAdapter(name: string | undefined) {
  if (name === 'fastify') return new (await import('@nestjs/platform-fastify')).FastifyAdapter();
  return new (await import('@nestjs/platform-express')).ExpressAdapter();
}
