import 'reflect-metadata';
import { Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { SseHub } from 'nestjs-sse-redis';
import { join } from 'node:path';
import { addMiddleware, foreignWritersModule } from './foreign-writers.app.js';
import { travel, travelThroughTimeouts } from './journey.js';
import { clearStages } from './stage.js';
import { WAYS } from './ways.js';

@Module({})
class AppModule {}

async function start(name: string): Promise<INestApplication> {
  const imported = foreignWritersModule({
    redis: process.env.REDIS_URL,
    prefix: name,
    drain: { timeout: 100 },
  });
  const adapter = name === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const module = { module: AppModule, ...imported };
  const app = await NestFactory.create(module, adapter, { logger: false });
  addMiddleware(app);
  await app.listen(0, '127.0.0.1');
  return app;
}

/** Takes a client through every way, on one adapter. */
async function run(name: string): Promise<void> {
  clearStages();
  const app = await start(name);
  const { port } = app.getHttpServer().address() as { port: number };
  const url = `http://127.0.0.1:${port}`;
  const hub = app.get(SseHub);
  const journeys = [
    ...WAYS.map((way) => [way.name, () => travel(url, hub, way)] as const),
    ['a global TimeoutInterceptor', () => travelThroughTimeouts(url, hub)] as const,
  ];
  for (const [way, journey] of journeys) {
    clearStages();
    await journey().then(
      () => console.log(`${name}: whole after ${way}`),
      (error: Error) => console.log(`${name}: BROKEN after ${way}: ${error.message}`),
    );
  }
  await app.close();
}

/** Lets everything through, as if there were no guard. */
function lookAway(): void {
  const library = join(require.resolve('nestjs-sse-redis/package.json'), '..');
  const { ResponseGuard } = require(join(library, 'dist/response/response-guard.js'));
  ResponseGuard.prototype.takeWrite = function (args: unknown[]) {
    return this.originalWrite.apply(this.response, args);
  };
  ResponseGuard.prototype.takeEnd = function (args: unknown[]) {
    this.stream?.onEnd();
    return this.originalEnd.apply(this.response, args);
  };
}

async function main(): Promise<void> {
  if (process.env.GUARD === 'off') lookAway();
  await run('express');
  await run('fastify');
}

void main();
