import 'reflect-metadata';
import { Injectable } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { announceReady } from '@nestjs-sse-redis/testing/child';
import { OnSseEvent, SseHub, SseRedisModule, type SseEvent, type SseRedisOptions } from 'nestjs-sse-redis';

/** Handles events of `jobs` in one process, and those of `caches` in each, and publishes that it has. */
@Injectable()
class Worker {
  constructor(private readonly hub: SseHub) {}

  @OnSseEvent('jobs', { once: 'cluster' })
  async onJob({ data }: SseEvent): Promise<void> {
    await this.hub.publish('handled', { data: { n: data, pid: process.pid } });
  }

  @OnSseEvent('caches', { once: 'node' })
  async onCache({ data }: SseEvent): Promise<void> {
    await this.hub.publish('dropped', { data: { n: data, pid: process.pid } });
  }
}

class AppModule {}
const module = {
  module: AppModule,
  imports: [SseRedisModule.forRoot(JSON.parse(process.argv[3]!) as SseRedisOptions)],
  providers: [Worker],
};
const app = await NestFactory.createApplicationContext(module, { logger: ['fatal'] });
app.enableShutdownHooks();
announceReady(1);
