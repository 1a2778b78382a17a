import { serveApp } from '@nestjs-sse-redis/testing/serve-app';
import { MockLanguageModelV4, simulateReadableStream } from 'ai/test';
import type { SseRedisOptions } from 'nestjs-sse-redis';
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
await serveApp(chatModule(JSON.parse(options!) as SseRedisOptions, model), { logger: ['fatal'] });
