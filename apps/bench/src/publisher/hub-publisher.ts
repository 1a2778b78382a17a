import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SseHub, SseRedisModule, type SseRedisOptions } from 'nestjs-sse-redis';
import type { Message, Publisher } from './publisher.js';

@Module({})
class PublisherModule {}

/** The hub of a process that only publishes. */
export async function createHubPublisher(url: string, options: SseRedisOptions = {}): Promise<Publisher> {
  const app = await NestFactory.createApplicationContext(
    { module: PublisherModule, imports: [SseRedisModule.forRoot({ redis: url, ...options })] },
    { logger: ['error', 'warn'] },
  );
  const hub = app.get(SseHub);
  return {
    async send(messages: readonly Message[]) {
      const results = await hub.publishMany(messages.map(({ channel, text }) => ({ channel, data: text })));
      for (const result of results) if ('error' in result) throw result.error;
    },
  };
}
