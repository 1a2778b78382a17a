import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { announceReady } from '@nestjs-sse-redis/testing/child';
import { MockLanguageModelV4, simulateReadableStream } from 'ai/test';
import type { SseRedisOptions } from 'nestjs-sse-redis';
import type { AddressInfo } from 'node:net';
import { chatModule } from './chat.app.js';

/** More than a test waits for. */
const TOKENS = 100_000;

const [, , options] = process.argv;
const model = new MockLanguageModelV4({
  doStream: async () =>
    Promise.resolve({
      stream: simulateReadableStream({
        chunkDelayInMs: 10,
        chunks: [
          { type: 'text-start' as const, id: '1' },
          ...Array.from({ length: TOKENS }, (_, i) => ({
            type: 'text-delta' as const,
            id: '1',
            delta: `${i} `,
          })),
        ],
      }),
    }),
});
class AppModule {}
const module = chatModule(JSON.parse(options!) as SseRedisOptions, model);
const app = await NestFactory.create({ module: AppModule, ...module }, { logger: ['fatal'] });
app.enableShutdownHooks();
await app.listen(0, '127.0.0.1');
announceReady((app.getHttpServer().address() as AddressInfo).port);
